"""Plays interleavings: runs the tap over a firm, and keeps what a target would keep.

That is the rows by primary key, the later ones over the earlier, and the last STATE.
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
from tests.harness import FEES, Crash, catalog, config, run, truth
from tests.recorded_firm import STREAMS

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.harness import Json, Output, Process
    from tests.strategies import Interleaving, Step

COMPARED = {
    "matters": ("versionId", "description", "status", "isLead"),
    "fees": ("versionId", "description", "isDeleted"),
    "contacts": ("versionId", "externalSystemId", "isDeleted"),
    "transactions": ("note", "reversed"),
}
"""The streams that are read, and the columns that a change shows in."""

CHILDREN = ("fees", "transactions")
LIMIT_SECONDS = 0.25


def chosen() -> Json:
    """Return a catalog with nothing but what is compared: the rest takes most of the time."""
    needed = {"id", "matterId", "lastUpdated"}
    needless = {
        f"{name}.{column.name}"
        for name, kept in COMPARED.items()
        for column in STREAMS[name].columns.fields
        if column.name not in {*needed, *kept}
    }
    found = catalog(wanted=COMPARED, deselect=needless)
    streams = [s for s in found["streams"] if s["tap_stream_id"] in {*COMPARED, "bank_accounts"}]
    for stream in streams:
        properties = stream["schema"]["properties"]
        for name in list(properties):
            if f"{stream['tap_stream_id']}.{name}" in needless:
                del properties[name]
    return {"streams": streams}


CHOSEN = chosen()

# Ways of failing that a run gets over without waiting, and all there are.
QUICK = {"fault_kinds": ["status", "slow", "revoke"], "statuses": [429, 503], "retry_after": [0]}
ANY: Json = {}
STEADY = ["touch", "touch", "touch", "add", "delete", "remove", "convert", "status"]
WILD = [*STEADY, "move", "reorder"]


class Play:
    """Plays one interleaving.

    Attributes:
        delivered: What the target has, by stream and key.
        state: What the next run is given.
        horizon: The sandbox's clock in ticks before which the pass under way cannot have begun.
    """

    def __init__(
        self, firm: SandboxServer, case: Interleaving, process: Process | None = None
    ) -> None:
        self._firm = firm
        self._case = case
        self._process = process
        self.delivered: dict[str, dict[str, Json]] = {name: {} for name in COMPARED}
        self.state: Json | None = None
        self.horizon: int | None = None
        self._removed: set[str] = set()
        firm.control.reset(matters=case.matters, seed=case.firm, fees=2)
        firm.control.settings(**case.quirks)
        self._settings = config(
            firm, lookback_seconds=0, page_size=case.page_size, burst=case.burst, **case.view
        )

    def now(self) -> int:
        offset: float = self._firm.control.settings()["clock_offset_seconds"]
        return EPOCH_TICKS + time.time_ns() // 100 + round(offset * TICKS_PER_SECOND)

    def step(self, step: Step) -> None:
        """Change what is to change, run the tap, and keep what a target would."""
        control, case = self._firm.control, self._case
        for what, which in step.changes:
            self._change(what, which)
        offset = control.settings()["clock_offset_seconds"]
        control.settings(clock_offset_seconds=offset + step.pause)
        if self.horizon is None:
            self.horizon = self.now()
        whole = case.page_size == 500 and "max_page" not in case.quirks
        # One that grows as fast as it is read looks like a long one, and never ends.
        is_boundless = not whole and case.quirks.get("size") in {"missing", "zero"}
        control.start_chaos(
            seed=step.seed,
            fault_rate=step.faults,
            change_rate=step.turmoil,
            change_kinds=WILD if whole else STEADY,
            resources=step.where,
            max_changes=1 if is_boundless else step.most,
            max_clock_step_seconds=step.leap,
            seconds=0.01,
            **(QUICK if step.patience else ANY),
        )
        output = self._run(step)
        quiesce()
        control.clear_faults()
        events = control.stop_chaos()
        self._removed |= {each["id"] for each in events if each.get("hard")}
        self._take(output, forgetful=step.forgetful and output.status == -signal.SIGKILL)
        if output.status == 0 and step.end != "limit":
            self.horizon = None
        event(f"{step.end}: status {output.status}")
        if '"resume"' in json.dumps(self.state):
            event("a pass was under way after a run")
        note(f"{step}\n-> {output.status}, {len(output.messages)} messages, state {self.state}")
        for each in events:
            note(f"   {each}")

    def _run(self, step: Step) -> Output:
        settings, state, at = self._settings | {"max_retries": step.patience}, self.state, step.at
        if step.end in {"crash", "signal"}:  # at a message
            count = iter(range(at + 1))

            def end(message: Json) -> None:
                counts = not step.below or message.get("stream") in CHILDREN
                if counts and next(count, None) == at:
                    if step.end == "crash":
                        raise Crash
                    os.kill(os.getpid(), signal.SIGTERM)

            return run(settings, state, CHOSEN, on_message=end)
        if step.end == "limit":  # while a request is waited for
            slow = {"how": "slow", "seconds": LIMIT_SECONDS, "after": at}
            if step.below:
                slow["template"] = FEES
            self._firm.control.fail(count=self._case.burst, **slow)
            return run(settings | {"max_run_minutes": LIMIT_SECONDS / 60}, state, CHOSEN)
        if step.end in {"killed at a request", "killed at a line"}:
            return self._killed(settings, step)
        return run(settings, state, CHOSEN)

    def _killed(self, settings: Json, step: Step) -> Output:
        assert self._process
        control, path = self._firm.control, self._process.folder / "out"
        control.reset_requests()
        control.settings(latency_ms=2)

        def due() -> bool:
            time.sleep(0.001)
            if step.end == "killed at a line":
                return path.read_bytes().count(b"\n") >= step.at
            # Nothing is asked of the sandbox that the tap could be kept waiting by.
            has_begun = path.stat().st_size > 0
            return has_begun and int(control.requests()["total"]) > step.at

        output = self._process.run_until(settings, due, signal.SIGKILL, self.state, CHOSEN)
        control.settings(latency_ms=0)
        return output

    def _take(self, output: Output, *, forgetful: bool) -> None:
        messages = output.messages
        if forgetful:
            while messages and messages[-1]["type"] != "STATE":
                messages.pop()
        for message in output.of("RECORD"):
            if message["stream"] in self.delivered:
                self.delivered[message["stream"]][message["record"]["id"]] = message["record"]
        self.state = output.state or self.state

    def settle(self) -> None:
        """Run in peace until everything must be there, and see that it is.

        The first run finishes the pass that may be under way. After it, lists of the whole firm
        must be right, and below parents what was there before that pass began. The next is whole.
        """
        horizon = self.horizon
        self._peace()
        if horizon is not None:
            self._verify("matters", "contacts")
            self._verify("fees", "transactions", before=horizon)
            self._peace()
        self._verify(*COMPARED)

    def _peace(self) -> None:
        output = run(self._settings, self.state, CHOSEN)
        assert output.status == 0, output.stderr
        self._take(output, forgetful=False)

    def _verify(self, *streams: str, before: int | None = None) -> None:
        matters = {entry["row"]["id"]: entry for entry in truth(self._firm, "matters")}
        for stream in streams:
            rows = {entry["row"]["id"]: entry for entry in truth(self._firm, stream)}
            expected = {}
            for key, entry in rows.items():
                matter = entry if stream == "matters" else matters.get(entry["parent"])
                if matter is not None and not self._is_visible(matter["row"]):
                    continue
                changed = max(entry["updated"], matter["updated"] if matter else 0)
                if before is None or changed < before:
                    expected[key] = essence(stream, entry["row"])
            has = self.delivered[stream]
            wrong = {
                key: (essence(stream, has.get(key)), row)
                for key, row in expected.items()
                if essence(stream, has.get(key)) != row
            }
            assert not wrong, f"{stream}, delivered and true: {wrong}"
            unexplained = {
                key
                for key in has.keys() - rows.keys() - self._removed
                if has[key].get("matterId") not in self._removed
            }
            assert not unexplained, f"{stream}, delivered and nowhere: {unexplained}"

    def _is_visible(self, matter: Json) -> bool:
        view = self._case.view
        return (view.get("include_leads", True) or not matter["isLead"]) and (
            matter["status"] in view.get("matter_statuses", [matter["status"]])
        )

    def _change(self, what: str, which: int) -> None:
        """Do one thing to the firm, if there is a row to do it to."""
        control = self._firm.control
        verb, _, noun = what.rpartition(" ")
        resource = {"lead": "matters", "convert": "matters", "status": "matters"}.get(
            noun, f"{noun}s"
        )
        above = {"fees": "matters", "transactions": "bank_accounts"}.get(resource)
        if verb == "new":
            parents = self._ids(above) if above else []
            if above and not parents:
                return
            parent = {"parent": parents[which % len(parents)]} if above else {}
            control.add(resource, **parent, set={"isLead": True} if noun == "lead" else {})
            return
        rows = sorted(truth(self._firm, resource), key=lambda entry: str(entry["row"]["id"]))
        if what == "convert":
            rows = [entry for entry in rows if entry["row"]["isLead"]]
        if not rows:
            return
        entry = rows[which % len(rows)]
        key, where = entry["row"]["id"], {"parent": entry["parent"]} if above else {}
        if what == "convert":
            control.convert(key)
        elif verb == "remove":
            control.delete(resource, key, **where, hard=True)
            self._removed.add(key)
        elif verb == "delete":
            control.delete(resource, key, **where)
        elif what == "status":
            status = "Closed" if entry["row"]["status"] == "Open" else "Open"
            control.touch(resource, key, set={"status": status})
        else:
            column = COMPARED[resource][0 if resource == "transactions" else 1]
            control.touch(resource, key, **where, set={column: f"changed {which}"})

    def _ids(self, resource: str) -> list[str]:
        return sorted(entry["row"]["id"] for entry in truth(self._firm, resource))


def essence(stream: str, row: Json | None) -> tuple[Any, ...] | None:
    """What is compared of a row, be it the sandbox's or the tap's."""
    return None if row is None else tuple(row.get(name) for name in COMPARED[stream])


def quiesce() -> None:
    """Wait for requests that a run which died has left behind."""
    for thread in threading.enumerate():
        if thread.name.startswith("smokeball-"):
            thread.join(10)
