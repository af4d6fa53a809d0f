"""How old the data is, with hourly runs that may take ten minutes: a day on a virtual clock.

The model follows the tap's rules. A run lists the matters; then, for every child stream, it reads
what hangs below those that changed since it last did; then it sweeps on, the stream that waited
longest first, each from where it was; all at one request for each 1/rate of a second. The same
model, given a small firm, must ask for the same as the real tap does: see
`benchmarks.freshness_model_check`.

A row that changed together with its matter is fresh after the next run. One that changed silently
(a new fee does not touch its matter) has to wait for the sweep.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MATTERS, STREAMS = 10_000, 8
RATE, BURST = 5.0, 5
EVERY, LIMIT = 3_600.0, 600.0
CHANGED_A_DAY = 200
DAY = 86_400.0

Read = tuple[int, int]
"""Which stream is read below which matter, by their numbers."""


@dataclass
class Stream:
    """What the state holds of a child stream; times in seconds, matters by number."""

    name: str
    number: int
    complete: float = 0.0
    watermark: float | None = None
    after: int = -1
    caught_up: float = 0.0


@dataclass
class Tap:
    """The tap over many runs.

    Attributes:
        changed: When each matter changed last.
        listing: Requests before the first child is read.
    """

    streams: list[Stream]
    changed: list[float]
    listing: int = 21
    passes: int = field(default=0, init=False)

    def run(self, at: float) -> Iterator[Read]:
        """Yield what one run reads, in order, for as long as it is asked to go on."""
        streams = sorted(self.streams, key=lambda s: (s.complete, s.name))
        ahead: dict[int, set[int]] = {stream.number: set() for stream in streams}
        for stream in streams:
            yield from self._catch_up(stream, ahead[stream.number])
        for stream in streams:
            yield from self._catch_up(stream, ahead[stream.number])
            yield from self._sweep(stream, at, ahead[stream.number])

    def _catch_up(self, stream: Stream, ahead: set[int]) -> Iterator[Read]:
        before = stream.watermark if stream.watermark is not None else stream.complete
        if not before:
            return
        since = max(before, stream.caught_up)
        todo = [(when, m) for m, when in enumerate(self.changed) if when >= since]
        for when, matter in sorted(todo):
            yield stream.number, matter
            ahead.add(matter)
            stream.caught_up = when
        if todo:
            stream.caught_up += 1e-6

    def _sweep(self, stream: Stream, at: float, ahead: set[int]) -> Iterator[Read]:
        began = at if stream.watermark is None else stream.watermark
        for matter in range(stream.after + 1, len(self.changed)):
            if matter not in ahead:
                yield stream.number, matter
                stream.watermark, stream.after = began, matter
        stream.complete, stream.watermark, stream.after = began, None, -1
        self.passes += 1


def simulate(days: int = 8) -> dict[str, Any]:
    """Simulate some days, and measure one in the middle, when the first pass is long done."""
    chance = random.Random(7)  # noqa: S311 - repeatable on purpose
    tap = Tap([Stream(f"stream {n}", n) for n in range(STREAMS)], [0.0] * MATTERS)
    moved = sorted(
        (chance.uniform(0, days * DAY), chance.randrange(MATTERS))
        for _ in range(CHANGED_A_DAY * days)
    )
    begin, end = (days - 4) * DAY, (days - 3) * DAY
    silent = {
        (stream, matter): chance.uniform(begin, end)
        for stream in range(STREAMS)
        for matter in range(MATTERS)
    }
    loud = [
        (when, stream, matter)
        for when, matter in moved
        if begin <= when < end
        for stream in range(STREAMS)
    ]
    reads: dict[Read, list[float]] = {}
    upcoming = iter(moved)
    change = next(upcoming, None)
    requests = 0
    for number in range(round(days * DAY / EVERY)):
        at = (number + 1) * EVERY
        while change and change[0] < at:
            tap.changed[change[1]] = change[0]
            change = next(upcoming, None)
        sent = tap.listing
        for read in tap.run(at):
            moment = at + max(0.0, sent - BURST) / RATE
            if moment >= at + LIMIT:
                break
            reads.setdefault(read, []).append(moment)
            sent += 1
        requests += sent
    return {
        "matters": MATTERS,
        "streams": STREAMS,
        "rate": RATE,
        "limit_minutes": LIMIT / 60,
        "changed_a_day": CHANGED_A_DAY,
        "requests_a_run": requests / (days * DAY / EVERY),
        "runs_a_sweep": days * DAY / EVERY / (tap.passes / STREAMS),
        "with_matter": _delays((when, reads[s, m]) for when, s, m in loud),
        "silent": _delays((when, reads[read]) for read, when in silent.items()),
    }


def _delays(changes: Any) -> dict[str, float]:
    waits = [min(moment - when for moment in moments if moment > when) for when, moments in changes]
    return {"worst_hours": max(waits) / 3600, "median_hours": median(waits) / 3600}
