"""Simulate how old the data is with hourly runs of ten minutes, on a virtual clock.

The model follows the tap's rules. A run lists the matters. For every child stream, it then reads
the children of the matters that changed since it last did. Then it continues the full passes,
longest waiting stream first, each after its last matter. All requests share one rate limit.
`benchmarks.freshness_model_check` compares the model with real runs on a small firm.

A row that changed together with its matter is fresh after the next run. A row that changed alone (a
new fee does not change its matter) waits for the full pass.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MATTERS, STREAMS = 10_000, 8
RATE, BURST = 5.0, 5
INTERVAL_SECONDS, RUN_LIMIT_SECONDS = 3_600.0, 600.0
CHANGED_PER_DAY = 200
DAY_SECONDS = 86_400.0
LIVE, DEFAULT_STREAMS, OTHER_REQUESTS = 0.25, 4, 45
"""Share of live matters; default child streams of matters; requests of a run for all else."""

MEASURED_DAYS = (1, 5)

Read = tuple[int, int]
"""Numbers of a child stream and of the matter whose children are read."""


@dataclass
class Stream:
    """State of a child stream. Times are in seconds, and matters are numbers."""

    name: str
    number: int
    last_full_pass: float = 0.0
    pass_started: float | None = None
    last_matter: int = -1
    changed_parents_until: float = 0.0


@dataclass
class Tap:
    """The tap over many runs.

    Attributes:
        streams: Its child streams.
        changed: When each matter changed last.
        list_requests: Requests for the list of matters.
        full_passes: Completed full passes of all streams.
    """

    streams: list[Stream]
    changed: list[float]
    list_requests: int = 21
    full_passes: int = field(default=0, init=False)

    def run(self, started: float) -> Iterator[Read]:
        """Yield the reads of one run in order; the caller stops at the time limit."""
        streams = sorted(self.streams, key=lambda s: (s.last_full_pass, s.name))
        already_read: dict[int, set[int]] = {stream.number: set() for stream in streams}
        for stream in streams:
            yield from self._sync_changed(stream, already_read[stream.number])
        for stream in streams:
            yield from self._sync_changed(stream, already_read[stream.number])
            yield from self._continue_full_pass(stream, started, already_read[stream.number])

    def _sync_changed(self, stream: Stream, already_read: set[int]) -> Iterator[Read]:
        started = stream.pass_started
        before = stream.last_full_pass if started is None else started
        if not before:
            return
        since = max(before, stream.changed_parents_until)
        pending = [(when, matter) for matter, when in enumerate(self.changed) if when >= since]
        for when, matter in sorted(pending):
            yield stream.number, matter
            already_read.add(matter)
            stream.changed_parents_until = when
        if pending:
            stream.changed_parents_until += 1e-6

    def _continue_full_pass(
        self, stream: Stream, run_started: float, already_read: set[int]
    ) -> Iterator[Read]:
        started = run_started if stream.pass_started is None else stream.pass_started
        for matter in range(stream.last_matter + 1, len(self.changed)):
            if matter not in already_read:
                yield stream.number, matter
                stream.pass_started, stream.last_matter = started, matter
        stream.last_full_pass, stream.pass_started, stream.last_matter = started, None, -1
        self.full_passes += 1


def simulate(days: int = 8) -> dict[str, Any]:
    """Simulate some days and measure one in the middle, after the first full passes."""
    chance = random.Random(7)  # noqa: S311 - the simulation must be repeatable
    tap = Tap([Stream(f"stream {n}", n) for n in range(STREAMS)], [0.0] * MATTERS)
    changes = sorted(
        (chance.uniform(0, days * DAY_SECONDS), chance.randrange(MATTERS))
        for _ in range(CHANGED_PER_DAY * days)
    )
    begin, end = (days - 4) * DAY_SECONDS, (days - 3) * DAY_SECONDS
    child_changes = {
        (stream, matter): chance.uniform(begin, end)
        for stream in range(STREAMS)
        for matter in range(MATTERS)
    }
    matter_changes = [
        (when, stream, matter)
        for when, matter in changes
        if begin <= when < end
        for stream in range(STREAMS)
    ]
    reads: dict[Read, list[float]] = {}
    upcoming = iter(changes)
    change = next(upcoming, None)
    requests = 0
    runs = round(days * DAY_SECONDS / INTERVAL_SECONDS)
    for number in range(runs):
        started = (number + 1) * INTERVAL_SECONDS
        while change and change[0] < started:
            tap.changed[change[1]] = change[0]
            change = next(upcoming, None)
        sent = tap.list_requests
        for read in tap.run(started):
            read_at = started + max(0.0, sent - BURST) / RATE
            if read_at >= started + RUN_LIMIT_SECONDS:
                break
            reads.setdefault(read, []).append(read_at)
            sent += 1
        requests += sent
    return {
        "matters": MATTERS,
        "streams": STREAMS,
        "rate": RATE,
        "limit_minutes": RUN_LIMIT_SECONDS / 60,
        "changed_per_day": CHANGED_PER_DAY,
        "requests_per_run": requests / runs,
        "runs_per_full_pass": runs / (tap.full_passes / STREAMS),
        "matter_changed": _delays((when, reads[s, m]) for when, s, m in matter_changes),
        "only_row_changed": _delays((when, reads[read]) for read, when in child_changes.items()),
    }


def simulate_closed_pass(closed_interval_seconds: float) -> dict[str, float]:
    """Simulate runs that follow each other, and the delay of rows that change alone.

    The streams are those that are selected by default. All live matters come before any closed one.

    Args:
        closed_interval_seconds: Interval of the full pass over closed matters; 0 if each full pass
            covers all matters.

    Returns:
        Hours until a change is loaded, for rows of live matters and of closed ones.
    """
    chance = random.Random(7)  # noqa: S311 - the simulation must be repeatable
    is_live = [chance.random() < LIVE for _ in range(MATTERS)]
    parts = [list(range(MATTERS))]
    if closed_interval_seconds:
        parts = [[m for m in range(MATTERS) if is_live[m] == live] for live in (True, False)]
    reads: dict[Read, list[float]] = {}
    now, closed_due = 0.0, 0.0
    while now < MEASURED_DAYS[1] * DAY_SECONDS:
        is_due = now >= closed_due
        if is_due:
            closed_due = now + closed_interval_seconds
        for part in parts if is_due else parts[:1]:
            for stream in range(DEFAULT_STREAMS):
                for matter in part:
                    reads.setdefault((stream, matter), []).append(now)
                    now += 1 / RATE
        now += OTHER_REQUESTS / RATE
    begin, end = (day * DAY_SECONDS for day in MEASURED_DAYS)
    delays: dict[bool, list[float]] = {True: [], False: []}
    for (_, matter), read_times in reads.items():
        changed = chance.uniform(begin, end - 2 * max(closed_interval_seconds, DAY_SECONDS / 4))
        delay = min(read_at - changed for read_at in read_times if read_at > changed)
        delays[is_live[matter]].append(delay / 3600)
    return {
        "live_median_hours": median(delays[True]),
        "live_worst_hours": max(delays[True]),
        "closed_median_hours": median(delays[False]),
        "closed_worst_hours": max(delays[False]),
    }


def _delays(changes: Iterable[tuple[float, list[float]]]) -> dict[str, float]:
    delays = [
        min(read_at - when for read_at in read_times if read_at > when)
        for when, read_times in changes
    ]
    return {"worst_hours": max(delays) / 3600, "median_hours": median(delays) / 3600}
