"""Simulate one day of a firm under three ways to run the tap, on a virtual clock.

The ways: full passes one after the other, as without webhooks; events with a full pass each night;
and events with all the time that is left for full passes. The model follows the tap's rules:
events first, then polls, then the full pass, which resumes; all requests share one rate limit.
`benchmarks.day_model_check` compares it with real runs on a small firm.

Changes come in office hours. Some events are lost, and those that arrive are late by seconds. A
change of a matter and of a row below it counts as fresh when its list was read.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FIRMS = (2_000, 10_000)
CHILD_STREAMS = 4
RATE, BURST = 5.0, 5
DAY_SECONDS, HOUR_SECONDS = 86_400.0, 3_600.0
OFFICE_HOURS = (9, 18)
CHANGED_LISTS_PER_MATTER = 0.3
"""Changed lists of child records a day, for each matter of the firm."""

LOST_EVENTS = 0.02
EVENT_DELAY_SECONDS = 8.0
SETTLE_SECONDS = 60.0
"""Events that are younger are acted on again by the next run."""

ROWS_PER_PAGE = 499
POLL_REQUESTS = 8
"""Requests for the streams without events: accounts with balances and transactions, and lists."""

CHANGE_REQUESTS = 3
"""Requests for the firm's lists with events, in a run in which something happened."""

TOP_LEVEL_REQUESTS = 20
"""Requests for all top-level streams except matters."""

DAYS = 4

List = tuple[int, int]
"""Numbers of a child stream and of a matter: one list of child records."""


class Change(NamedTuple):
    """A row of a list that changed.

    Attributes:
        when: Time of the change in seconds.
        changed: The list.
        arrives: When its event arrives; None if it is lost.
    """

    when: float
    changed: List
    arrives: float | None


@dataclass(frozen=True)
class Way:
    """A way to run the tap.

    Attributes:
        name: What the docs call it.
        uses_events: Whether runs read what events name.
        full_pass_hours: Hours between full passes; 0 if they follow each other.
        run_every_seconds: Interval of the runs; 0 if they follow each other.
        run_seconds: Time limit of a run; None without one.
        poll_seconds: Interval of the polls.
    """

    name: str
    uses_events: bool = True
    full_pass_hours: float = 0.0
    run_every_seconds: float = 300.0
    run_seconds: float | None = 270.0
    poll_seconds: float = HOUR_SECONDS


WAYS = (
    Way("full passes only", uses_events=False, run_every_seconds=0.0, run_seconds=None),
    Way("events and a full pass at night", full_pass_hours=24.0),
    Way("events, and full passes in the time that is left"),
)


@dataclass
class FullPass:
    """The full pass of a child stream.

    Attributes:
        stream: Number of the stream.
        completed: When the last complete pass started, in seconds.
        started: When the unfinished pass started.
        last_matter: The last matter that it has read; -1 if no pass is unfinished.
    """

    stream: int
    completed: float = -math.inf
    started: float = 0.0
    last_matter: int = -1


@dataclass
class Firm:
    """A firm and what the tap knows of it. Times are in seconds, and matters are numbers.

    Attributes:
        matters: Number of matters.
        way: How the tap runs.
        changes: All changes, by the time of their events.
        reads: When each list was read.
        requests: When each request was sent.
    """

    matters: int
    way: Way
    changes: list[Change]
    reads: dict[List, list[float]] = field(default_factory=dict)
    requests: list[float] = field(default_factory=list)
    polled: float = -DAY_SECONDS
    _passes: list[FullPass] = field(
        default_factory=lambda: [FullPass(number) for number in range(CHILD_STREAMS)]
    )
    _next_event: int = 0
    _recent: list[Change] = field(default_factory=list)

    def run(self, started: float) -> Iterator[List | None]:
        """Yield the requests of a run: the list that each reads, or None for other requests."""
        way = self.way
        named = self._named(started) if way.uses_events else []
        due = [each for each in self._passes if self._is_due(each, started)]
        if due or not way.uses_events:
            yield from self._none(TOP_LEVEL_REQUESTS + self.matters // ROWS_PER_PAGE + 1)
        elif named:
            yield from self._none(CHANGE_REQUESTS)
        yield from named
        if way.uses_events and started - self.polled >= way.poll_seconds:
            yield from self._none(POLL_REQUESTS)
            self.polled = started
        for full_pass in sorted(due, key=lambda each: (each.completed, each.stream)):
            yield from self._continue_pass(full_pass, started, set(named))

    @staticmethod
    def _none(requests: int) -> Iterator[None]:
        return iter([None] * requests)

    def _named(self, started: float) -> list[List]:
        """Return the lists that new events name, in the order of the events."""
        while self._next_event < len(self.changes):
            arrives = self.changes[self._next_event].arrives
            if arrives is not None and arrives > started:
                break
            if arrives is not None:
                self._recent.append(self.changes[self._next_event])
            self._next_event += 1
        named = list(dict.fromkeys(event.changed for event in self._recent))
        settled = started - SETTLE_SECONDS
        self._recent = [event for event in self._recent if (event.arrives or 0.0) > settled]
        return named

    def _is_due(self, full_pass: FullPass, started: float) -> bool:
        age = started - full_pass.completed
        return full_pass.last_matter >= 0 or age >= self.way.full_pass_hours * HOUR_SECONDS

    def _continue_pass(
        self, full_pass: FullPass, started: float, already_read: set[List]
    ) -> Iterator[List]:
        for matter in range(full_pass.last_matter + 1, self.matters):
            if (full_pass.stream, matter) in already_read:
                continue
            yield full_pass.stream, matter
            if full_pass.last_matter < 0:
                full_pass.started = started
            full_pass.last_matter = matter
        full_pass.completed, full_pass.last_matter = full_pass.started, -1


def simulate() -> list[dict[str, Any]]:
    """Simulate each way for each size of a firm."""
    return [simulate_way(matters, way) for matters in FIRMS for way in WAYS]


def simulate_way(matters: int, way: Way) -> dict[str, Any]:
    """Simulate some days, and measure one in the middle."""
    firm = Firm(matters, way, list(_changes(matters)))
    clock = 0.0
    while clock < DAYS * DAY_SECONDS:
        sent_at = clock
        for number, read in enumerate(firm.run(clock)):
            sent_at = clock + max(0.0, number - BURST) / RATE
            if way.run_seconds is not None and sent_at >= clock + way.run_seconds:
                break
            firm.requests.append(sent_at)
            if read is not None:
                firm.reads.setdefault(read, []).append(sent_at)
        clock = max(sent_at + 1 / RATE, clock + way.run_every_seconds)
    begin, end = DAY_SECONDS, 2 * DAY_SECONDS
    measured = [change for change in firm.changes if begin <= change.when < end]
    return {
        "matters": matters,
        "way": way.name,
        "changes": len(measured),
        "requests": sum(begin <= sent_at < end for sent_at in firm.requests),
        **_ages(measured, firm.reads, begin),
    }


def _changes(matters: int) -> Iterator[Change]:
    chance = random.Random(7)  # noqa: S311 - the simulation must be repeatable
    opens, closes = (hour * HOUR_SECONDS for hour in OFFICE_HOURS)
    per_day = round(matters * CHANGED_LISTS_PER_MATTER)
    for day in range(DAYS):
        for when in sorted(chance.uniform(opens, closes) for _ in range(per_day)):
            moment = day * DAY_SECONDS + when
            changed = chance.randrange(CHILD_STREAMS), chance.randrange(matters)
            is_lost = chance.random() < LOST_EVENTS
            yield Change(moment, changed, None if is_lost else moment + EVENT_DELAY_SECONDS)


def _ages(
    changes: Iterable[Change], reads: dict[List, list[float]], begin: float
) -> dict[str, float]:
    """Return the minutes until changes were read: median, 95th percentile and worst case."""
    ages = sorted(
        min(read_at for read_at in reads[each.changed] if read_at > each.when) - each.when
        for each in changes
        if each.when >= begin
    )
    return {
        "median_minutes": median(ages) / 60,
        "percentile_95_minutes": ages[int(len(ages) * 0.95)] / 60,
        "worst_minutes": ages[-1] / 60,
    }
