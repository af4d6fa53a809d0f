"""Compare the model of a day with real runs of the tap that act on events, on a small firm.

The runs do full passes in the time that events leave, and end at their time limit. They must read
exactly the lists that the model predicts. A last run, with nothing due, must send no request.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import Any

from benchmarks.competitors import TAP, SimulatedFirm, simulated_firm
from benchmarks.day_model import BURST, Change, Firm, Way
from benchmarks.freshness_model_check import SERVER_CLOCK_SECONDS
from tap_smokeball import dotnet_ticks, streams
from tap_smokeball.inbox.append import Delivery, append_deliveries
from tap_smokeball.inbox.engine import InboxDatabase
from tap_smokeball.inbox.subscriptions import Subscriptions
from tap_smokeball.webhooks.event_parser import parse_event

CHILDREN = {
    "expenses": "/expenses",
    "fees": "/fees",
    "invoices": "/invoices",
    "matter_roles": "/roles",
}
MATTERS, RUNS, CHANGED_PER_RUN = 40, 6, 4
RATE, RUN_LIMIT_SECONDS = 20.0, 4.0
FIRM, ADDRESS = "default", "https://receiver.example/webhooks/default"
WAY = Way("check", poll_seconds=0.0, run_seconds=RUN_LIMIT_SECONDS)


def check() -> dict[str, Any]:
    """Run the tap and the model in parallel and compare their reads."""
    with simulated_firm(matters=MATTERS, rate=RATE, burst=BURST) as firm:
        return _Comparison(firm).run()


class _Comparison:
    def __init__(self, firm: SimulatedFirm) -> None:
        self._firm = firm
        self._inbox = f"sqlite:///{firm.folder / 'inbox.db'}"
        self._began = time.monotonic()
        self._model = Firm(MATTERS, WAY, [])
        self._state: Any = None
        control = firm.sandbox.control
        self._ids = sorted(entry["row"]["id"] for entry in control.rows("matters"))
        self._lists = {
            f"/matters/{matter}{suffix}": (stream, number)
            for stream, suffix in enumerate(CHILDREN.values())
            for number, matter in enumerate(self._ids)
        }
        control.settings(events={"transport": "control"})
        subscription = control.subscribe(ADDRESS, key="key")
        with Subscriptions(self._inbox) as subscriptions:
            subscriptions.save(
                FIRM,
                subscription["id"],
                client_id=firm.sandbox.credentials["client_id"],
                event_types=sorted({t for each in streams.ALL for t in each.event_types}),
                url=ADDRESS,
                key="key",
            )

    def run(self) -> dict[str, Any]:
        same_reads, requests = True, []
        for number in range(RUNS):
            started = time.monotonic() - self._began
            reads = self._run_tap(max_run_minutes=RUN_LIMIT_SECONDS / 60)
            lists = [self._lists[path] for path in reads if path in self._lists]
            expected = (each for each in self._model.run(started) if each is not None)
            same_reads = same_reads and sorted(islice(expected, len(lists))) == sorted(lists)
            next(expected, None)  # the model records a read when the next one is requested
            requests.append(len(reads))
            self._change(number)
            time.sleep(SERVER_CLOCK_SECONDS)
        quiet = {"full_pass_interval_hours": 24, "poll_interval_minutes": 60}
        self._run_tap(**quiet)
        self._age_events()
        self._run_tap(**quiet)
        return {
            "matters": MATTERS,
            "streams": len(CHILDREN),
            "runs": RUNS,
            "same_reads": same_reads,
            "requests_per_run": sum(requests) / RUNS,
            "requests_of_quiet_run": len(self._run_tap(**quiet)),
        }

    def _run_tap(self, **settings: Any) -> list[str]:
        """Run the tap, and return the paths of its requests."""
        result = self._firm.run(
            TAP,
            self._state,
            streams=("matters", *CHILDREN),
            requests_per_second=RATE,
            burst=BURST,
            webhook_inbox=self._inbox,
            **settings,
        )
        self._state = result.state or self._state
        log = self._firm.sandbox.control.requests(log=True)["log"]
        return [entry["path"] for entry in log]

    def _change(self, run: int) -> None:
        """Change some lists, and let their events arrive."""
        control = self._firm.sandbox.control
        for nth in range(CHANGED_PER_RUN):
            number = (run * 7 + nth * 11) % MATTERS
            stream = list(CHILDREN)[nth % 2]  # expenses and fees
            control.add(stream, parent=self._ids[number])
            self._model.changes.append(
                Change(0.0, (nth % 2, number), time.monotonic() - self._began)
            )
        now = dotnet_ticks.now()
        deliveries = []
        for each in control.take_events(all=True):
            subscription, event = parse_event(each["body"].encode(), now)
            signature = each["headers"]["Signature"]
            deliveries.append(Delivery(FIRM, str(subscription), event, signature, event.type))
        database = InboxDatabase(self._inbox, is_created=False)
        append_deliveries(database, deliveries)
        database.close()

    def _age_events(self) -> None:
        """Wait until no event is so young that the next run acts on it again."""
        time.sleep(60)
