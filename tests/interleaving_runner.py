"""Runs the tap step by step, and keeps the rows that a target would keep.

A target keeps the last row of each primary key and the last STATE.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from hypothesis import event, note

from smokeball_sandbox.clock import EPOCH_TICKS, TICKS_PER_SECOND
from tests.harness import FEES, TargetCrashError, catalog, config, run, sandbox_rows
from tests.recorded_firm import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smokeball_sandbox import SandboxServer
    from tests.harness import Json, Output, Process
    from tests.memory_firm import MemoryFirm
    from tests.strategies import Interleaving, Step

COMPARED = {
    "matters": ("versionId", "description", "status", "isLead"),
    "fees": ("versionId", "description", "isDeleted"),
    "contacts": ("versionId", "externalSystemId", "isDeleted"),
    "transactions": ("note", "reversed"),
}
"""The streams that are read, and the columns that show a change."""

CHILDREN = ("fees", "transactions")
TIME_LIMIT_SECONDS = 0.25
LONG_LIMIT_MINUTES = 10
CLOCK_LAG_SECONDS = 86_400


def minimal_catalog() -> Json:
    """Return a catalog with the compared columns alone: the rest takes most time."""
    needed = {"id", "matterId", "lastUpdated"}
    unused = {
        f"{name}.{column.name}"
        for name, kept in COMPARED.items()
        for column in STREAMS[name].columns
        if column.name not in {*needed, *kept}
    }
    found = catalog(wanted=COMPARED, deselect=unused)
    streams = [s for s in found["streams"] if s["tap_stream_id"] in {*COMPARED, "bank_accounts"}]
    for stream in streams:
        properties = stream["schema"]["properties"]
        for name in list(properties):
            if f"{stream['tap_stream_id']}.{name}" in unused:
                del properties[name]
    return {"streams": streams}


MINIMAL_CATALOG = minimal_catalog()

# Faults that a run survives without a wait; and all faults.
QUICK_FAULTS = {
    "fault_kinds": ["status", "slow", "revoke"],
    "statuses": [429, 503],
    "retry_after": [0],
}
ALL_FAULTS: Json = {}
STABLE_ORDER_CHANGES = ["touch", "touch", "touch", "add", "delete", "remove", "convert", "status"]
REORDERING_CHANGES = [*STABLE_ORDER_CHANGES, "move", "reorder"]


class InterleavingRunner:
    """Runs one interleaving.

    Attributes:
        delivered: The rows of the target, by stream and key.
        state: The state for the next run.
        earliest_pass_start_ticks: The pass in progress did not start before this time of the
            sandbox's clock. None if no pass is in progress.
    """

    def __init__(
        self, firm: SandboxServer | MemoryFirm, case: Interleaving, process: Process | None = None
    ) -> None:
        self._firm = firm
        self._case = case
        self._process = process
        self.delivered: dict[str, dict[str, Json]] = {name: {} for name in COMPARED}
        self.state: Json | None = None
        self.earliest_pass_start_ticks: int | None = None
        self._removed: set[str] = set()
        firm.control.reset(matters=case.matters, seed=case.firm_seed, fees=2)
        # Time passes by steps of the sandbox's clock, which must not overtake the tap's.
        firm.control.settings(clock_offset_seconds=-CLOCK_LAG_SECONDS, **case.quirks)
        self._settings = config(
            firm, lookback_seconds=0, page_size=case.page_size, burst=case.burst, **case.view
        )
        if case.lists_take_long:
            self._settings["max_run_minutes"] = LONG_LIMIT_MINUTES

    def clock_ticks(self) -> int:
        offset: float = self._firm.control.settings()["clock_offset_seconds"]
        return EPOCH_TICKS + time.time_ns() // 100 + round(offset * TICKS_PER_SECOND)

    def run_step(self, step: Step) -> None:
        """Apply the changes of a step, run the tap, and deliver to the target."""
        control, case = self._firm.control, self._case
        for change, number in step.changes:
            self._apply_change(change, number)
        offset = control.settings()["clock_offset_seconds"]
        control.settings(clock_offset_seconds=offset + step.pause_seconds)
        if self.earliest_pass_start_ticks is None:
            self.earliest_pass_start_ticks = self.clock_ticks()
        is_one_page = case.page_size == 500 and "max_page" not in case.quirks
        # A list without a size that grows as fast as it is read never ends.
        is_boundless = not is_one_page and case.quirks.get("size") in {"missing", "zero"}
        control.start_chaos(
            seed=step.seed,
            fault_rate=step.fault_rate,
            change_rate=step.change_rate,
            change_kinds=REORDERING_CHANGES if is_one_page else STABLE_ORDER_CHANGES,
            resources=step.changed_streams,
            max_changes=1 if is_boundless else step.max_changes,
            max_clock_step_seconds=step.clock_jump_seconds,
            seconds=0.01,
            **(QUICK_FAULTS if step.max_retries else ALL_FAULTS),
        )
        output = self._run(step)
        wait_until_idle()
        control.clear_faults()
        events = control.stop_chaos()
        self._removed |= {each["id"] for each in events if each.get("hard")}
        self._deliver(
            output, loses_unflushed=step.target_loses_unflushed and output.status == -signal.SIGKILL
        )
        if output.status == 0 and step.end != "time_limit":
            self.earliest_pass_start_ticks = None
        event(f"{step.end}: status {output.status}")
        if '"resume"' in json.dumps(self.state):
            event("a pass was in progress after a run")
        note(f"{step}\n-> {output.status}, {len(output.messages)} messages, state {self.state}")
        for each in events:
            note(f"   {each}")

    def _run(self, step: Step) -> Output:
        settings, state, at = (
            self._settings | {"max_retries": step.max_retries},
            None if step.is_full_refresh else self._given_state(),
            step.end_index,
        )
        if step.end in {"target_crash", "signal"}:  # at a message
            count = iter(range(at + 1))

            def end(message: Json) -> None:
                counts = not step.child_streams_only or message.get("stream") in CHILDREN
                if counts and next(count, None) == at:
                    if step.end == "target_crash":
                        raise TargetCrashError
                    os.kill(os.getpid(), signal.SIGTERM)

            return run(settings, state, MINIMAL_CATALOG, on_message=end)
        if step.end == "time_limit":  # while a request waits for its response
            slow = {"how": "slow", "seconds": TIME_LIMIT_SECONDS, "after": at}
            if step.child_streams_only:
                slow["template"] = FEES
            self._firm.control.fail(count=self._case.burst, **slow)
            return run(
                settings | {"max_run_minutes": TIME_LIMIT_SECONDS / 60}, state, MINIMAL_CATALOG
            )
        if step.end in {"kill_at_request", "kill_at_line"}:
            return self._run_and_kill(settings, step, state)
        return run(settings, state, MINIMAL_CATALOG)

    def _given_state(self) -> Json | None:
        """Return the state, by which the list of matters may take all of the time limit."""
        if not self._case.lists_take_long:
            return self.state
        return with_long_lists(self.state, LONG_LIMIT_MINUTES * 60)

    def _run_and_kill(self, settings: Json, step: Step, state: Json | None) -> Output:
        assert self._process
        control, path = self._firm.control, self._process.folder / "out"
        control.reset_requests()
        control.settings(latency_ms=2)

        def is_due() -> bool:
            time.sleep(0.001)
            if step.end == "kill_at_line":
                return path.read_bytes().count(b"\n") >= step.end_index
            # Before the first line, a request to the sandbox could delay the tap.
            has_output = path.stat().st_size > 0
            return has_output and int(control.requests()["total"]) > step.end_index

        output = self._process.run_and_signal(
            settings, is_due, signal.SIGKILL, state, MINIMAL_CATALOG
        )
        control.settings(latency_ms=0)
        return output

    def _deliver(self, output: Output, *, loses_unflushed: bool) -> None:
        messages = output.messages
        if loses_unflushed:
            while messages and messages[-1]["type"] != "STATE":
                messages.pop()
        for message in output.messages_of_type("RECORD"):
            if message["stream"] in self.delivered:
                self.delivered[message["stream"]][message["record"]["id"]] = message["record"]
        is_interrupted = output.status != 0 or '"resume"' in json.dumps(output.state)
        merges = self._case.merges_states
        if self.state and (merges == "always" or (merges == "interrupted" and is_interrupted)):
            self.state = merge_states(self.state, output.state or {})
        else:
            self.state = output.state or self.state

    def finish(self) -> None:
        """Run without faults until all rows must be delivered, and verify them.

        The first run finishes the pass in progress. After it, top-level streams must be complete,
        and child streams up to the start of that pass. The second run is a complete pass.
        """
        pass_start = self.earliest_pass_start_ticks
        self._run_without_faults()
        if pass_start is not None:
            self._verify("matters", "contacts")
            self._verify("fees", "transactions", before=pass_start)
            self._run_without_faults()
        self._verify(*COMPARED)

    def _run_without_faults(self) -> None:
        output = run(self._settings, self._given_state(), MINIMAL_CATALOG)
        assert output.status == 0, output.stderr
        self._deliver(output, loses_unflushed=False)

    def _verify(self, *streams: str, before: int | None = None) -> None:
        matters = {entry["row"]["id"]: entry for entry in sandbox_rows(self._firm, "matters")}
        for stream in streams:
            rows = {entry["row"]["id"]: entry for entry in sandbox_rows(self._firm, stream)}
            expected = {}
            for key, entry in rows.items():
                matter = entry if stream == "matters" else matters.get(entry["parent"])
                if matter is not None and not self._is_visible(matter["row"]):
                    continue
                changed = max(entry["updated"], matter["updated"] if matter else 0)
                if before is None or changed < before:
                    expected[key] = compared_columns(stream, entry["row"])
            has = self.delivered[stream]
            wrong = {
                key: (compared_columns(stream, has.get(key)), row)
                for key, row in expected.items()
                if compared_columns(stream, has.get(key)) != row
            }
            assert not wrong, f"{stream}, (delivered, expected): {wrong}"
            unexplained = {
                key
                for key in has.keys() - rows.keys() - self._removed
                if has[key].get("matterId") not in self._removed
            }
            assert not unexplained, f"{stream}, delivered but not in the firm: {unexplained}"

    def _is_visible(self, matter: Json) -> bool:
        view = self._case.view
        return (view.get("include_leads", True) or not matter["isLead"]) and (
            matter["status"] in view.get("matter_statuses", [matter["status"]])
        )

    def _apply_change(self, change: str, number: int) -> None:
        """Make one change, if the firm has a row for it."""
        control = self._firm.control
        verb, _, noun = change.rpartition(" ")
        resource = {"lead": "matters", "convert": "matters", "status": "matters"}.get(
            noun, f"{noun}s"
        )
        parent_resource = {"fees": "matters", "transactions": "bank_accounts"}.get(resource)
        if verb == "new":
            parents = self._ids(parent_resource) if parent_resource else []
            if parent_resource and not parents:
                return
            parent = {"parent": parents[number % len(parents)]} if parent_resource else {}
            control.add(resource, **parent, set={"isLead": True} if noun == "lead" else {})
            return
        rows = sorted(sandbox_rows(self._firm, resource), key=lambda entry: str(entry["row"]["id"]))
        if change == "convert":
            rows = [entry for entry in rows if entry["row"]["isLead"]]
        if not rows:
            return
        entry = rows[number % len(rows)]
        key, where = entry["row"]["id"], {"parent": entry["parent"]} if parent_resource else {}
        if change == "convert":
            control.convert(key)
        elif verb == "remove":
            control.delete(resource, key, **where, hard=True)
            self._removed.add(key)
        elif verb == "delete":
            control.delete(resource, key, **where)
        elif change == "status":
            status = "Closed" if entry["row"]["status"] == "Open" else "Open"
            control.touch(resource, key, set={"status": status})
        else:
            column = COMPARED[resource][0 if resource == "transactions" else 1]
            control.touch(resource, key, **where, set={column: f"changed {number}"})

    def _ids(self, resource: str) -> list[str]:
        return sorted(entry["row"]["id"] for entry in sandbox_rows(self._firm, resource))


def with_long_lists(
    state: Json | None, seconds: float, streams: Iterable[str] = ("matters",)
) -> Json | None:
    """Return a state by which the lists of some streams take some seconds."""
    changed: Json = json.loads(json.dumps(state or {}))
    bookmarks = changed.get("bookmarks", {})
    for name in bookmarks.keys() & set(streams):
        bookmarks[name]["list_time"] = {"seconds": round(seconds), "cut_runs": 0}
    return changed or None


def merge_states(old: Json, new: Json) -> Json:
    """Return a deep merge, as Meltano's: a new value wins, and no key is removed."""
    merged = dict(old)
    for key, value in new.items():
        before = merged.get(key)
        is_nested = isinstance(before, dict) and isinstance(value, dict)
        merged[key] = merge_states(merged[key], value) if is_nested else value
    return merged


def compared_columns(stream: str, row: Json | None) -> tuple[Any, ...] | None:
    """Return the compared columns of a row of the sandbox or of the tap."""
    return None if row is None else tuple(row.get(name) for name in COMPARED[stream])


def wait_until_idle() -> None:
    """Wait at most ten seconds for requests that a crashed run has left in flight."""
    deadline = time.monotonic() + 10
    for thread in threading.enumerate():
        if thread.name.startswith("smokeball-"):
            thread.join(max(0.0, deadline - time.monotonic()))
