"""Runs steps of changes, deliveries, kills and runs, and keeps what a target would keep."""

from __future__ import annotations

import itertools
import json
import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import event, note

from tests.harness import FEES, run, sandbox_rows
from tests.interleaving_runner import (
    COMPARED,
    LONG_LIMIT_MINUTES,
    MINIMAL_CATALOG,
    compared_columns,
    wait_until_idle,
    with_long_lists,
)

if TYPE_CHECKING:
    from tests.harness import Json, Output, Process
    from tests.webhook_site import WebhookSite

Row = tuple[str, str]
"""Stream and id."""

Version = tuple[Any, ...]
MATTERS = 8
LAG_SECONDS = 20
CLOCK_LAG_SECONDS = 200
"""Lag of the sandbox's clock at first, in which reads may lag; the receiver accepts 300."""

_WITH_PARENT = {"fees": "matters", "transactions": "bank_accounts"}


@dataclass(frozen=True)
class WebhookStep:
    """Changes, the deliveries of their events, what happens to the receiver, and a run.

    Attributes:
        changes: Changes, each with a number that selects the row.
        during: Selects the fee that changes while the run reads fees; None: none does.
        rules: What goes wrong with deliveries: see the sandbox's `EventRules`.
        has_read_lag: Whether the API shows the changes only after the run.
        sends_all: Whether late events come now, too; else in a later step.
        receiver: "runs"; "killed" while it receives, and started again; "down" during the
            deliveries, or "down for minutes", after which it knows that it was.
        kill_seconds: Time from the first delivery to the kill of the receiver.
        end: How the run ends: "complete", "target crash" at a message, "killed" at a request of
            the tap, or at its "time limit".
        end_index: At which message or request.
        interval_hours: Hours between full passes.
        lists_take_long: Whether the run has a time limit of which the list of matters takes a
            large part: it begins with what changed and what events name.
    """

    changes: list[tuple[str, int]]
    during: int | None
    rules: Json
    has_read_lag: bool
    sends_all: bool
    receiver: str
    kill_seconds: float
    end: str
    end_index: int
    interval_hours: int
    lists_take_long: bool


class WebhookRunner:
    """Runs the steps of one sequence.

    Args:
        site: Firm, inbox and receiver.
        process: Runs the tap as a process.
        lookback_seconds: How far a filtered read goes back; needed where reads lag.
    """

    def __init__(self, site: WebhookSite, process: Process, lookback_seconds: int) -> None:
        self._site = site
        self._control = site.sandbox.control
        self._process = process
        self.state: Json | None = None
        self.delivered: dict[str, dict[str, Json]] = {name: {} for name in COMPARED}
        # Versions of each row that was changed, and the first one that must be delivered.
        self._versions: dict[Row, list[Version | None]] = {}
        self._waiting: dict[Row, int] = {}
        # The change that each event is about; events that were answered.
        self._causes: dict[int, tuple[Row, int]] = {}
        self._answered: set[int] = set()
        self._last_event = 0
        self._numbers = itertools.count()
        site.start_receiver()
        self._control.reset(matters=MATTERS, fees=1)
        self._clock_offset = -CLOCK_LAG_SECONDS
        self._control.settings(
            events={"transport": "control"}, clock_offset_seconds=self._clock_offset
        )
        site.subscribe(lookback_seconds=lookback_seconds)
        self._run("complete", 0, 24)

    def run_step(self, step: WebhookStep) -> None:
        """Change rows, deliver their events, run the tap, and check what it delivered."""
        control = self._control
        held = {"delay_scale": 0, "transport": "control", **step.rules}
        control.settings(events=held, read_lag_seconds=LAG_SECONDS * step.has_read_lag)
        for change, number in step.changes:
            self._change(change, number)
        self._deliver_events(step, held)
        control.settings(read_lag_seconds=0)
        fee = self._schedule_change(step.during)
        note(f"{step} with {len(self._waiting)} rows to deliver")
        event(f"receiver {step.receiver}, run {step.end}")
        event(f"rows whose events have arrived: {min(len(self._waiting), 3)}")
        if step.lists_take_long:
            self.state = with_long_lists(self.state, LONG_LIMIT_MINUTES * 60)
        limit = LONG_LIMIT_MINUTES if step.lists_take_long else None
        self._run(step.end, step.end_index, step.interval_hours, limit)
        control.clear_schedule()
        if fee and self._current(fee) != self._versions[fee][-1]:
            self._note_change(fee)
        if step.end == "complete" and not step.has_read_lag:
            self._check()
        if step.has_read_lag:
            self._clock_offset += LAG_SECONDS
            control.settings(clock_offset_seconds=self._clock_offset)
        self._site.age_events()

    def finish(self) -> None:
        """Do one full pass without disturbance, after which all rows must be delivered.

        A pass in progress is finished first: it began before the last changes.
        """
        self._control.settings(events={"transport": "control"})
        if '"resume"' in json.dumps(self.state):
            self._run("complete", 0, 0)
        self._run("complete", 0, 0)
        for stream in COMPARED:
            for key in self._rows(stream):
                row = (stream, key)
                assert self._delivered(row) == self._current(row), stream

    def _deliver_events(self, step: WebhookStep, held: Json) -> None:
        """Send the events while the receiver is killed, and note which were answered."""
        site = self._site

        def send() -> None:
            self._control.settings(events={**held, "transport": "http"})
            self._control.send_events(all=step.sends_all)

        if step.receiver.startswith("down"):
            site.kill_receiver()
        sending = threading.Thread(target=send)
        sending.start()
        if step.receiver == "killed":
            time.sleep(step.kill_seconds)
            site.kill_receiver()
        sending.join()
        if step.receiver == "down for minutes":
            site.age_receivers()
        site.start_receiver()
        for each in self._control.deliveries():
            number = each["number"]
            if each["outcome"] == "delivered" and number not in self._answered:
                self._answered.add(number)
                if number in self._causes:
                    row, version = self._causes[number]
                    self._waiting[row] = max(version, self._waiting.get(row, 0))

    def _run(
        self, end: str, end_index: int, interval_hours: int, limit_minutes: int | None = None
    ) -> None:
        settings = {
            **self._site.settings,
            "full_pass_interval_hours": interval_hours,
            "poll_interval_minutes": 30 * bool(interval_hours),
        }
        if limit_minutes:
            settings["max_run_minutes"] = limit_minutes
        if end == "killed":
            output = self._run_and_kill(settings, end_index)
        else:
            if end == "time limit":
                settings["max_run_minutes"] = 0.05 / 60
            crash_at = end_index if end == "target crash" else None
            output = run(settings, self.state, MINIMAL_CATALOG, crash_at=crash_at)
            wait_until_idle()
        for message in output.messages:
            if message["type"] == "RECORD":
                self.delivered[message["stream"]][message["record"]["id"]] = message["record"]
            elif message["type"] == "STATE":
                self.state = message["value"]
        if end == "complete":
            assert output.status == 0, output.stderr

    def _run_and_kill(self, settings: Json, end_index: int) -> Output:
        """Run the tap as a process, and kill it after some requests."""
        control = self._control
        control.reset_requests()

        def is_due() -> bool:
            time.sleep(0.002)
            return int(control.requests()["total"]) > end_index

        return self._process.run_and_signal(
            settings, is_due, signal.SIGKILL, self.state, MINIMAL_CATALOG
        )

    def _check(self) -> None:
        """Check that each row whose event had arrived was delivered."""
        for row, first in self._waiting.items():
            assert self._delivered(row) in self._versions[row][first:], row[0]
        self._waiting.clear()

    def _change(self, change: str, number: int) -> None:
        """Make a change, and note which events it has caused."""
        verb, _, stream = change.partition(" ")
        rows = sorted(self._rows(stream).items())
        key, entry = rows[number % len(rows)]
        where = {"parent": entry["parent"]} if stream in _WITH_PARENT else {}
        if verb == "add":
            if where:
                parents = sorted(self._rows(_WITH_PARENT[stream]))
                where = {"parent": parents[number % len(parents)]}
            key = self._control.add(stream, **where)["row"]["id"]
        elif verb == "delete":
            self._control.delete(stream, key, **where)
        elif verb == "status":
            status = "Closed" if number % 2 else "Open"
            self._control.touch(stream, key, set={"status": status})
        else:
            self._control.touch(stream, key, **where, set=self._new_value(stream))
        self._note_change((stream, key))

    def _schedule_change(self, number: int | None) -> Row | None:
        """Let a fee change while the run reads fees; return the fee."""
        if number is None:
            return None
        rows = sorted(self._rows("fees").items())
        key, entry = rows[number % len(rows)]
        fee = ("fees", key)
        self._versions.setdefault(fee, []).append(self._current(fee))
        where = {"id": key, "parent": entry["parent"], "set": self._new_value("fees")}
        command = {"command": "touch", "resource": "fees", **where}
        self._control.schedule(FEES, [command], when="after" if number % 2 else "before")
        return fee

    def _note_change(self, row: Row) -> None:
        versions = self._versions.setdefault(row, [])
        versions.append(self._current(row))
        for each in self._control.deliveries():
            if each["number"] > self._last_event:
                self._causes[each["number"]] = (row, len(versions) - 1)
                self._last_event = each["number"]

    def _new_value(self, stream: str) -> Json:
        column = COMPARED[stream][0 if stream == "transactions" else 1]
        return {column: f"changed {next(self._numbers)}"}

    def _delivered(self, row: Row) -> Version | None:
        stream, key = row
        return compared_columns(stream, self.delivered[stream].get(key))

    def _current(self, row: Row) -> Version | None:
        stream, key = row
        return compared_columns(stream, self._rows(stream)[key]["row"])

    def _rows(self, stream: str) -> dict[str, Json]:
        return {entry["row"]["id"]: entry for entry in sandbox_rows(self._site.sandbox, stream)}
