"""Runs a sequence against the second tenant, and compares the rows that a target would keep.

A target keeps the last row of each key and the last STATE. ``python -m tests.sequence_runner 17``
runs the sequence with number 17; with ``--shrink`` it is made smaller as long as it fails;
``--count 2000`` runs as many, beginning with that number.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import pprint
import sys
import time
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from tap_smokeball.errors import SmokeballError
from tap_smokeball.tap import TapSmokeball
from tests.harness import Output, run
from tests.interleaving_runner import LONG_LIMIT_MINUTES, with_long_lists
from tests.memory_adapter import ADAPTERS
from tests.sequences import draw, smaller
from tests.tenant import ticks
from tests.tenant.adapter import TenantAdapter
from tests.tenant.api import CREDENTIALS, Tenant
from tests.tenant.faults import Fault
from tests.tenant.rendering import REVISION
from tests.tenant.resources import PARENT_COLUMNS, PARENTS, RESOURCES
from tests.tenant.world import View, World

if TYPE_CHECKING:
    from tests.harness import Json
    from tests.sequences import Sequence, Step

DAYS_BEHIND = 300
"""How far the tenant's clock is behind that of this machine, so that it can be advanced."""

TIME_LIMIT_SECONDS = 0.3
MAX_SHRINKS = 400
MAX_INTERVAL_HOURS = 8784
CLOSED = {"Closed", "Deleted", "Cancelled"}

URL = "http://127.0.2.1"
"""The address of the tenant, at which nothing listens."""


class DeliveryError(AssertionError):
    """Rows are missing or stale in the target, or a run without faults failed."""


class SequenceRunner:
    """Runs one sequence.

    Attributes:
        delivered: Revisions of the target's rows, by stream and key.
        state: The target's state.
        log: What happened, for the report of a failure.
    """

    def __init__(self, sequence: Sequence) -> None:
        self._sequence = sequence
        start = None if sequence.has_true_clock else ticks.now() - DAYS_BEHIND * ticks.DAY
        self._world = World(sequence.options, sequence.number, start)
        self._world.populate(sequence.streams, sequence.parents, sequence.children)
        self._tenant = Tenant(self._world, URL)
        self._tenant.request_seconds = sequence.request_seconds
        self._tenant.hang_seconds = TIME_LIMIT_SECONDS
        self._catalog = catalog_of(sequence.streams)
        self.delivered: dict[str, dict[tuple[str, ...], Any]] = {s: {} for s in sequence.streams}
        self.state: Json | None = None
        self.log: list[str] = []

    def run(self) -> None:
        """Run all steps, then until everything must be delivered.

        Raises:
            DeliveryError: It is not.
        """
        ADAPTERS[URL] = TenantAdapter(self._tenant)
        try:
            for number, step in enumerate(self._sequence.steps):
                self.log.append(f"--- run {number}")
                self._run_step(step)
            self._finish()
        finally:
            del ADAPTERS[URL]

    def _run_step(self, step: Step) -> None:
        tenant, world = self._tenant, self._world
        tenant.start_run()
        for change in step.changes:
            self._log_change(world.make(change, self._sequence.streams))
        world.advance(step.pause_seconds)
        if step.lifts_refusals:
            tenant.refusals.clear()
        for number, resource, kind in step.refusals:
            self._refuse(number, resource, kind)
        tenant.faults = list(step.faults)
        tenant.date_error_seconds = step.date_error_seconds
        settings: Json = {
            "max_retries": step.max_retries,
            "closed_matters_interval_hours": step.closed_interval_hours,
        }
        if step.end == "time_limit":
            settings["max_run_minutes"] = TIME_LIMIT_SECONDS / 60
            tenant.faults.append(Fault("hang", "", step.end_at, 1))
        tenant.before_request = lambda request: self._change_during(step, request)
        output = self._run(settings, None if step.is_full_refresh else self.state)
        is_complete = output.status == 0 and step.end == "complete"
        if step.end == "kill" and output.messages:
            at = step.end_at % (len(output.messages) + 1)
            self._deliver(output.messages[:at], step.flushed)
        else:
            self._deliver(output.messages, len(output.messages))
        self._keep_state(is_interrupted=not is_complete)

    def _change_during(self, step: Step, request: int) -> None:
        for at, change in step.changes_during:
            if at == request:
                self._log_change(self._world.make(change, self._sequence.streams))

    def _log_change(self, text: str | None) -> None:
        if text:
            self.log.append(f"{text} at {self._world.clock}")

    def _refuse(self, number: int, resource: str, kind: str) -> None:
        names = [resource] if resource else list(self._sequence.streams)
        for name in names:
            if (parent := RESOURCES[name].parent) and (ids := list(self._world.rows[parent])):
                self._tenant.refusals[ids[number % len(ids)], name] = kind
                self.log.append(f"refuse {name} of {ids[number % len(ids)]}: {kind}")

    def _run(self, settings: Json, state: Json | None) -> Output:
        config = {
            "api_url": URL,
            "auth_url": URL,
            **CREDENTIALS,
            "requests_per_second": 1000,
            "burst": 1,
            "unknown_fields": "keep",
            **dict(self._sequence.settings),
            **settings,
        }
        if self._sequence.lists_take_long:
            config.setdefault("max_run_minutes", LONG_LIMIT_MINUTES)
            state = with_long_lists(state, LONG_LIMIT_MINUTES * 60, PARENTS)
        try:
            output = run(config, state, self._catalog)
        except SmokeballError as error:  # it ends the run before the first stream
            output = Output(status=1, stderr=str(error))
        self.log.append(f"status {output.status}: {output.stderr}")
        return output

    def _deliver(self, messages: list[Json], flushed: int) -> None:
        """Keep the state of the last STATE, and some of the rows after it."""
        states = [at for at, message in enumerate(messages) if message["type"] == "STATE"]
        self._new_state = messages[states[-1]]["value"] if states else None
        end = (states[-1] + 1 if states else 0) + flushed
        for message in messages[:end]:
            if message["type"] == "RECORD":
                stream, record = message["stream"], message["record"]
                key = tuple(record[name] for name in RESOURCES[stream].key)
                self.delivered[stream][key] = (record["extraFields"] or {}).get(REVISION)

    def _keep_state(self, *, is_interrupted: bool) -> None:
        merges = self._sequence.merges
        if self._new_state is None:
            return
        if self.state and (merges == "always" or (merges == "interrupted" and is_interrupted)):
            self.state = deep_merge(self.state, self._new_state)
        else:
            self.state = self._new_state
        self.log.append(f"state {json.dumps(self.state)}")

    def _finish(self) -> None:
        self._tenant.refusals.clear()
        if any(step.closed_interval_hours for step in self._sequence.steps):
            self._run_full_passes({"closed_matters_interval_hours": MAX_INTERVAL_HOURS})
            for stream in self._sequence.streams:
                self._compare(stream, has_closed=False)
        self._run_full_passes({})
        for stream in self._sequence.streams:
            self._compare(stream)

    def _run_full_passes(self, settings: Json) -> None:
        had_unfinished_pass = '"resume"' in json.dumps(self.state)
        self._run_undisturbed(settings)
        if had_unfinished_pass:
            self._run_undisturbed(settings)

    def _run_undisturbed(self, settings: Json) -> None:
        self.log.append("--- undisturbed run")
        self._tenant.start_run()
        self._world.advance(60)
        self._world.settle(is_final=True)
        output = self._run({"max_retries": 0, **settings}, self.state)
        if output.status:
            raise DeliveryError(f"undisturbed run: status {output.status}: {output.stderr}")
        self._deliver(output.messages, len(output.messages))
        self._keep_state(is_interrupted=False)

    def _compare(self, stream: str, *, has_closed: bool = True) -> None:
        world, resource = self._world, RESOURCES[stream]
        settings = dict(self._sequence.settings)
        view = View(True, settings.get("include_leads", True),  # noqa: FBT003
                    tuple(settings.get("matter_statuses", ())))  # fmt: skip
        has = self.delivered[stream]
        wrong = []
        for row in world.rows[stream].values():
            key = world.key(resource, row)
            is_unfiltered = row.is_deleted and world.options.deleted == "unfiltered"
            if not world.is_visible(resource, row, view) or (is_unfiltered and resource.filters):
                continue
            if resource.parent == "matters" and not has_closed:
                matter = world.rows["matters"][row.parent]
                if matter.status in CLOSED and not matter.is_lead:
                    continue
            if has.get(key) != row.revision:
                wrong.append(f"{key}: revision {has.get(key)}, not {row.revision} ({row})")
        unknown = has.keys() - world.known[stream]
        if wrong or unknown:
            raise DeliveryError(f"{stream}: {wrong or unknown}")


@cache
def _whole_catalog() -> Json:
    found: Json = TapSmokeball(validate_config=False).catalog_dict
    return found


@cache
def catalog_of(streams: tuple[str, ...]) -> Json:
    """Return a catalog of some streams with their keys and ``extraFields`` alone.

    The other columns would take most of the time.
    """
    parents = {RESOURCES[name].parent for name in streams}
    found = []
    for stream in _whole_catalog()["streams"]:
        name = stream["tap_stream_id"]
        if name not in streams and name not in parents:
            continue
        kept = {*RESOURCES[name].key, "extraFields", stream.get("replication_key")}
        kept |= set(PARENT_COLUMNS.values())
        properties = {n: s for n, s in stream["schema"]["properties"].items() if n in kept}
        metadata = [{"breadcrumb": [], "metadata": {"selected": name in streams}}]
        metadata += [
            {"breadcrumb": ["properties", n], "metadata": {"selected": True}} for n in properties
        ]
        schema = {"type": "object", "properties": properties}
        found.append({**stream, "schema": schema, "metadata": metadata})
    return {"streams": found}


def deep_merge(old: Json, new: Json) -> Json:
    """Return a merge as Meltano's: a new value wins, and no key is removed."""
    merged = {**old, **new}
    for key in old.keys() & new.keys():
        if isinstance(old[key], dict) and isinstance(new[key], dict):
            merged[key] = deep_merge(old[key], new[key])
    return merged


def failure_of(sequence: Sequence) -> str | None:
    """Run a sequence; return why it failed, or None."""
    if sequence.number % 25 == 0:
        gc.collect()  # a run of the tap postpones it
    runner = SequenceRunner(sequence)
    try:
        runner.run()
    except Exception as error:  # noqa: BLE001 - any error is a failure of the sequence
        return "\n".join([*runner.log, f"{type(error).__name__}: {error}"])
    return None


def shrink(sequence: Sequence) -> Sequence:
    """Return the simplest sequence that still fails, within a number of tries."""
    tries = count()
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for candidate in smaller(sequence):
            if next(tries) > MAX_SHRINKS:
                return sequence
            if failure_of(candidate):
                sequence, is_smaller = candidate, True
                break
    return sequence


def report(number: int) -> str | None:
    """Run the sequence with a number; return a report of its failure, or None."""
    sequence = draw(number)
    if failure_of(sequence) is None:
        return None
    small = shrink(sequence)
    return (
        f"{pprint.pformat(small, width=100)}\n{failure_of(small)}\n"
        f"Repeat it with: python -m tests.sequence_runner {number}"
    )


def main() -> int:
    """Run sequences from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("number", type=int, help="number of the first sequence")
    parser.add_argument("--count", type=int, default=1, help="how many to run")
    parser.add_argument("--all", action="store_true", help="do not stop at the first failure")
    options = parser.parse_args()
    logging.disable()
    failed = []
    for number in range(options.number, options.number + options.count):
        started = time.process_time()
        if text := report(number):
            failed.append(number)
            print(f"=== {number}\n{text}", flush=True)  # noqa: T201
            if not options.all:
                break
        elif options.count == 1:
            print(f"{number}: passed, {time.process_time() - started:.2f} s CPU")  # noqa: T201
    print(f"failed: {failed}, {time.process_time():.0f} s CPU")  # noqa: T201
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
