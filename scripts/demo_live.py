"""The second act of the demo: webhooks tell the tap what to read.

A receiver runs, and the firm's webhook subscription points to it. Some rows change, the simulated
Smokeball sends their events, and a run a moment later reads just these rows.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_smokeball.reporting.text_table import format_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scripts.demo_firm import History
    from scripts.demo_report import Database
    from smokeball_sandbox import ControlClient, SandboxServer

Document = dict[str, Any]

DELAY_SCALE = 0.1
"""Smokeball sends most events after 8 seconds; the demo does not wait that long."""

FINAL, PAID = 1, 2
"""Status of an invoice."""

_WEBHOOKS = [sys.executable, "-m", "tap_smokeball.webhooks"]
_LISTENING = re.compile(r"Receiver listening on (http://\S+)")
_START_SECONDS = 30


class LiveDemoError(Exception):
    """The second act failed. The text says why."""


@dataclass(frozen=True)
class Change:
    """A change at the firm.

    Attributes:
        text: What happened.
        table: Table of the row.
        id: Its id.
        condition: SQL condition that the changed row meets.
    """

    text: str
    table: str
    id: str
    condition: str


@dataclass(frozen=True)
class Webhooks:
    """A receiver, and a subscription whose events it gets.

    Attributes:
        inbox: URL of the inbox.
        sandbox: The firm.
    """

    inbox: str
    sandbox: SandboxServer

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings of the tap as environment variables."""
        return {
            "TAP_SMOKEBALL_WEBHOOK_INBOX": self.inbox,
            "TAP_SMOKEBALL_FULL_PASS_INTERVAL_HOURS": "24",
            "TAP_SMOKEBALL_POLL_INTERVAL_MINUTES": "30",
        }

    def show(
        self, history: History, database: Database, run: Callable[[], None], log: Path
    ) -> Iterator[str]:
        """Change rows, let the events arrive, run the pipeline, and yield what happened.

        Args:
            history: Records the changes, for the next run of the demo.
            database: Where the rows must arrive.
            run: Runs the pipeline.
            log: Log of the pipeline.
        """
        control = self.sandbox.control
        full_pass = last_summary(log)
        control.reset_deliveries()
        control.settings(events={"delay_scale": DELAY_SCALE})
        changes = make_changes(history, control)
        # Waits for events that are due, so ask until none waits for its time.
        while any(each["outcome"] == "waiting" for each in control.send_events()):
            time.sleep(0.1)
        sent = control.deliveries()
        yield "Second act: something happens at the firm, and Smokeball sends events."
        for change in changes:
            yield f"  - {change.text}"
        yield f"The receiver has stored {count_accepted(sent)} of {len(sent)} events: {types(sent)}"
        yield ""
        run()
        summary = last_summary(log)
        yield ""
        yield run_table(summary, changes)
        yield ""
        yield (
            f"The run made {summary['requests']:,} requests; a full pass makes "
            f"{full_pass['requests']:,}."
        )
        missing = [each.text for each in changes if not is_loaded(database, each)]
        if missing:
            raise LiveDemoError(f"Not in DuckDB: {'; '.join(missing)}")
        yield f"All {len(changes)} changes are in DuckDB."


@contextmanager
def open_webhooks(folder: Path, sandbox: SandboxServer) -> Iterator[Webhooks]:
    """Run a receiver and subscribe to the firm's events, while the block lasts.

    Args:
        folder: Takes the inbox, its log and the settings.
        sandbox: The firm.

    Raises:
        LiveDemoError: The receiver or the subscription failed.
    """
    inbox, log = f"sqlite:///{folder / 'inbox.db'}", folder / "receiver.log"
    kept = {name: each for name, each in os.environ.items() if not name.startswith("TAP_")}
    environment = {**kept, "TAP_SMOKEBALL_WEBHOOK_INBOX": inbox}
    serve = [*_WEBHOOKS, "serve", "--port", "0", "--admin-port", "0"]
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(serve, env=environment, stdout=file, stderr=file) as receiver,  # noqa: S603
    ):
        try:
            url = _wait_for_address(receiver, log)
            config = folder / "webhooks.json"
            settings = {
                "api_url": sandbox.url,
                "auth_url": sandbox.url,
                "webhook_inbox": inbox,
                **sandbox.credentials,
            }
            config.write_text(json.dumps(settings), encoding="utf-8")
            done = subprocess.run(  # noqa: S603
                [
                    *(*_WEBHOOKS, "subscribe", "--config", str(config)),
                    *("--url", f"{url}/webhooks/default"),
                ],
                env=environment,
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            if done.returncode:
                raise LiveDemoError(f"The subscription failed.\n{done.stderr}")
            yield Webhooks(inbox, sandbox)
        finally:
            receiver.terminate()


def _wait_for_address(receiver: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and receiver.poll() is None:
        if found := _LISTENING.search(log.read_text(encoding="utf-8")):
            return found[1]
        time.sleep(0.05)
    raise LiveDemoError(f"The receiver did not start.\n{log.read_text(encoding='utf-8')}")


def make_changes(history: History, control: ControlClient) -> list[Change]:
    """Let five things happen at the firm, on different matters."""
    matters = {
        each["row"]["id"]: each["row"]
        for each in control.rows("matters")
        if each["row"]["status"] == "Open" and not each["row"]["isLead"]
    }
    names = iter(matters.values())
    return [
        _add_fee(history, control, next(names)),
        _pay_invoice(history, control, matters),
        _add_expense(history, control, next(names)),
        _complete_task(history, control),
        _describe_matter(history, control, next(names)),
    ]


def _add_fee(history: History, control: ControlClient, matter: Document) -> Change:
    subject = "Telephone call with the client"
    fee = history.apply(control, "add", "fees", parent=matter["id"], set={"subject": subject})
    text = f"a time entry of ${fee['row']['amount']:,.2f} on {matter['title']}"
    return Change(text, "fees", fee["row"]["id"], f"subject = '{subject}'")


def _pay_invoice(history: History, control: ControlClient, matters: Document) -> Change:
    unpaid = [
        each
        for each in control.rows("invoices")
        if each["row"]["status"] == FINAL
        and each["row"]["invoiceTotals"]["unpaid"] > 0
        and each["parent"] in matters
    ]
    invoice = unpaid[0]["row"]
    totals = invoice["invoiceTotals"]
    paid = round(totals["paid"] + totals["unpaid"], 2)
    changed = {
        "status": PAID,
        "paidDate": f"{history.anchor}T00:00:00+00:00",
        "invoiceTotals": {**totals, "paid": paid, "unpaid": 0, "unpaidExcInterest": 0},
    }
    parent = unpaid[0]["parent"]
    history.apply(control, "touch", "invoices", invoice["id"], parent=parent, set=changed)
    text = f"a payment of ${totals['unpaid']:,.2f} for invoice {invoice['invoiceNumber']}"
    return Change(text, "invoices", invoice["id"], f"status = {PAID}")


def _add_expense(history: History, control: ControlClient, matter: Document) -> Change:
    subject = "Courier to the court"
    added = history.apply(control, "add", "expenses", parent=matter["id"], set={"subject": subject})
    text = f"an expense on {matter['title']}"
    return Change(text, "expenses", added["row"]["id"], f"subject = '{subject}'")


def _complete_task(history: History, control: ControlClient) -> Change:
    tasks = (each["row"] for each in control.rows("tasks"))
    task = next(each for each in tasks if not each["isCompleted"] and not each["isDeleted"])
    history.apply(control, "touch", "tasks", task["id"], set={"isCompleted": True})
    return Change(f"a task was completed: {task['subject']}", "tasks", task["id"], "isCompleted")


def _describe_matter(history: History, control: ControlClient, matter: Document) -> Change:
    text = "Settlement conference on the 14th"
    history.apply(control, "touch", "matters", matter["id"], set={"description": text})
    title = f"a new description of {matter['title']}"
    return Change(title, "matters", matter["id"], f"description = '{text}'")


def count_accepted(deliveries: list[Document]) -> int:
    """Return how many events the receiver has stored."""
    return sum(each["outcome"] == "delivered" for each in deliveries)


def types(deliveries: list[Document]) -> str:
    """Return the types of events as a text."""
    return ", ".join(dict.fromkeys(each["type"] for each in deliveries))


def last_summary(log: Path) -> Document:
    """Return the tap's summary of its last run, from Meltano's log.

    Raises:
        LiveDemoError: There is none.
    """
    for line in reversed(log.read_text(encoding="utf-8").splitlines()):
        if "run_summary" not in line:
            continue
        text = str(json.loads(line)["event"])
        summary: Document = json.loads(text.partition("METRIC: ")[2])["value"]
        return summary
    raise LiveDemoError("Meltano's log has no summary of the tap.")


def run_table(summary: Document, changes: list[Change]) -> str:
    """Return a table of what a run has read, and because of which change."""
    reasons: dict[str, list[str]] = {}
    for change in changes:
        reasons.setdefault(change.table, []).append(change.text)
    rows = [("stream", "rows", "requests", "because of")]
    for name, stream in summary["streams"].items():
        if stream["requests"]:
            because = "; ".join(reasons.get(name, ["a child stream of the matter that changed"]))
            rows.append((name, f"{stream['rows']:,}", f"{stream['requests']:,}", because))
    return format_table(rows)


def is_loaded(database: Database, change: Change) -> bool:
    """Return whether a changed row is in the database as it is at the firm."""
    return database.has_row(change.table, change.id, change.condition)
