"""Every row whose event arrived is delivered by the next run that completes.

This holds whatever happens to events on their way (lost, repeated, reordered, late, forged, early),
to runs (killed, cut by the time limit) and to the inbox (gaps, pruned, restored from a backup).
After the next full pass, what was delivered is what is there.

``EVENT_INTERLEAVINGS=2000 pytest tests/test_event_delivery.py`` runs more of them.
"""

from __future__ import annotations

import itertools
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.event_firm import OLD_SECONDS, EventFirm
from tests.harness import run, sandbox_rows
from tests.interleaving_runner import (
    COMPARED,
    MINIMAL_CATALOG,
    compared_columns,
    wait_until_idle,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json, Output

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("EVENT_INTERLEAVINGS", "10"))
TIMEOUT_SECONDS = 120 + 10 * EXAMPLES
CHANGES = (
    *("touch fees", "touch fees", "add fees", "delete fees", "touch matters", "add matters"),
    *("status matters", "touch contacts", "add contacts", "touch transactions"),
)
FATES = ("arrives", "arrives", "arrives", "lost", "twice", "late", "early")
DISTURBANCES = ("forged", "forged", "gap", "unknown type", "no matter", "prune", "back up")
Version = tuple[Any, ...]

EVENT_PREFIXES = {"fees": "fee", "matters": "matter", "contacts": "contact"}
VERBS = {"touch": "updated", "status": "updated", "add": "created", "delete": "deleted"}


@dataclass(frozen=True)
class EventStep:
    """Changes, what happens to the inbox, and a run.

    Attributes:
        changes: Changes, each with a number that selects the row and the fate of its event.
        disturbances: What else happens to the inbox.
        is_reversed: Whether the events arrive in the reverse order.
        restores: Whether the inbox is restored from the last backup.
        end: How the run ends.
        end_index: At which message, if the target is killed.
        interval_hours: Hours between full passes.
        closed_hours: Hours between those over closed matters; 0 if they have none of their own.
    """

    changes: list[tuple[str, int, str]]
    disturbances: list[str]
    is_reversed: bool
    restores: bool
    end: str
    end_index: int
    interval_hours: int
    closed_hours: int


STEPS = st.lists(
    st.builds(
        EventStep,
        changes=st.lists(
            st.tuples(st.sampled_from(CHANGES), st.integers(0, 30), st.sampled_from(FATES)),
            max_size=5,
        ),
        disturbances=st.lists(st.sampled_from(DISTURBANCES), max_size=2),
        is_reversed=st.booleans(),
        restores=st.sampled_from([False, False, False, True]),
        end=st.sampled_from(["complete", "complete", "killed", "killed", "time limit"]),
        end_index=st.integers(0, 25),
        interval_hours=st.sampled_from([24, 24, 24, 0]),
        closed_hours=st.sampled_from([0, 0, 240]),
    ),
    min_size=1,
    max_size=6,
)


class EventRunner:
    """Runs the steps, and keeps the rows and the state that a target would keep."""

    def __init__(self, firm: EventFirm) -> None:
        self._firm = firm
        self.state: Json | None = None
        self.delivered: dict[str, dict[str, Json]] = {name: {} for name in COMPARED}
        # Versions of each row that was changed, and the first one that must be delivered.
        self._versions: dict[tuple[str, str], list[Version | None]] = {}
        self._waiting: dict[tuple[str, str], int] = {}
        self._numbers = itertools.count()
        self._late: list[tuple[str, str, str]] = []
        self._early: list[tuple[str, str, str]] = []
        # Whether no early event is lost: the full pass of the gap would precede its change.
        self._has_early_events = True
        self._run("complete", 0, 24)

    def run_step(self, step: EventStep) -> None:
        firm, arriving = self._firm, [*self._late]
        self._late = []
        for stream, key, parent in self._early:
            self._touch(stream, key, parent)
            if self._has_early_events:
                self._expect(stream, key)
        self._early, self._has_early_events = [], True
        for change, number, fate in step.changes:
            event = self._change(change, number, is_made=fate != "early")
            if event is None or fate == "lost":
                continue
            if fate == "late":
                self._late.append(event)
            elif fate == "early":
                self._early.append((event[1], event[2], self._parent(event)))
                firm.notify(event[0], self._parent(event), age_seconds=0)
            else:
                arriving += [event] * (2 if fate == "twice" else 1)
        for event in reversed(arriving) if step.is_reversed else arriving:
            firm.notify(event[0], self._parent(event))
            self._expect(event[1], event[2])
        for disturbance in step.disturbances:
            self._disturb(disturbance)
        if step.restores and firm.has_backup:
            firm.restore()
            self._has_early_events = False
        note(f"{step.end} after {step}")
        self._run(step.end, step.end_index, step.interval_hours, step.closed_hours)
        firm.age_inbox(OLD_SECONDS)

    def finish(self) -> None:
        """Do one full pass without disturbance, after which all rows must be delivered."""
        for stream, key, parent in self._early:
            self._touch(stream, key, parent)
        self._run("complete", 0, 0)
        for stream in COMPARED:
            for key in self._rows(stream):
                assert self._delivered(stream, key) == self._current(stream, key), stream

    def _run(self, end: str, end_index: int, interval_hours: int, closed_hours: int = 0) -> None:
        configured = self._firm.settings(
            full_pass_interval_hours=interval_hours,
            closed_matters_interval_hours=closed_hours,
            poll_interval_minutes=30 * bool(interval_hours),
            lookback_seconds=0,
        )
        if end == "time limit":
            configured["max_run_minutes"] = 0.05 / 60
        crash_at = end_index if end == "killed" else None
        output = run(configured, self.state, MINIMAL_CATALOG, crash_at=crash_at)
        wait_until_idle()
        self._deliver(output)
        if end == "complete":
            assert output.status == 0, output.stderr
            for (stream, key), first in self._waiting.items():
                expected = self._versions[stream, key][first:]
                assert self._delivered(stream, key) in expected, stream
            self._waiting.clear()

    def _deliver(self, output: Output) -> None:
        for message in output.messages:
            if message["type"] == "RECORD":
                record = message["record"]
                self.delivered[message["stream"]][record["id"]] = record
            elif message["type"] == "STATE":
                self.state = message["value"]

    def _expect(self, stream: str, key: str) -> None:
        """Let the next run that completes deliver a row as it is now, or a later version."""
        self._note_version(stream, key)
        self._waiting[stream, key] = len(self._versions[stream, key]) - 1

    def _note_version(self, stream: str, key: str) -> None:
        version = self._current(stream, key)
        self._versions.setdefault((stream, key), []).append(version)

    def _delivered(self, stream: str, key: str) -> Version | None:
        return compared_columns(stream, self.delivered[stream].get(key))

    def _current(self, stream: str, key: str) -> Version | None:
        return compared_columns(stream, self._rows(stream)[key]["row"])

    def _rows(self, stream: str) -> dict[str, Json]:
        return {entry["row"]["id"]: entry for entry in sandbox_rows(self._firm, stream)}

    def _parent(self, event: tuple[str, str, str]) -> str:
        _, stream, key = event
        parent: str = key if stream == "matters" else self._rows(stream)[key]["parent"]
        return parent

    def _change(self, change: str, number: int, *, is_made: bool) -> tuple[str, str, str] | None:
        """Make a change, and return the type of its event, the stream and the row."""
        control = self._firm.control
        verb, _, stream = change.partition(" ")
        rows = sorted(self._rows(stream).items())
        key, entry = rows[number % len(rows)]
        parent = {"parent": entry["parent"]} if stream in {"fees", "transactions"} else {}
        if verb == "add":
            matters = sorted(self._rows("matters"))
            parent = {"parent": matters[number % len(matters)]} if parent else {}
            key = control.add(stream, **parent)["row"]["id"]
        elif verb == "delete":
            control.delete(stream, key, **parent)
        elif verb == "status":
            control.touch(stream, key, set={"status": "Closed" if number % 2 else "Open"})
        elif is_made:
            self._touch(stream, key, entry["parent"])
        self._note_version(stream, key)
        prefix = EVENT_PREFIXES.get(stream)
        return (f"{prefix}.{VERBS[verb]}", stream, key) if prefix else None

    def _touch(self, stream: str, key: str, parent: str) -> None:
        where = {"parent": parent} if stream in {"fees", "transactions"} else {}
        column = COMPARED[stream][0 if stream == "transactions" else 1]
        self._firm.control.touch(
            stream, key, **where, set={column: f"changed {next(self._numbers)}"}
        )
        self._note_version(stream, key)

    def _disturb(self, disturbance: str) -> None:
        firm = self._firm
        if disturbance == "forged":
            firm.notify("fee.updated", "00000000-0000-0000-0000-000000000000")
        elif disturbance == "gap":
            firm.add_gap()
        elif disturbance == "unknown type":
            firm.notify("document.created")
        elif disturbance == "no matter":
            firm.notify("fee.updated")
        elif disturbance == "prune":
            firm.prune()
            self._has_early_events = False
        else:
            firm.back_up()


@pytest.fixture(scope="module", autouse=True)
def quiet_logs() -> Iterator[None]:
    """Disable logging: the log of hundreds of runs takes more time than the test."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(TIMEOUT_SECONDS)
@settings(
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(steps=STEPS)
def test_events_deliver_rows_despite_disturbances(
    tmp_path_factory: pytest.TempPathFactory, steps: list[EventStep]
) -> None:
    """The run after an event delivers its row; the full pass delivers all rows."""
    runner = EventRunner(EventFirm(tmp_path_factory.mktemp("inbox"), matters=3))
    for step in steps:
        runner.run_step(step)
    runner.finish()
