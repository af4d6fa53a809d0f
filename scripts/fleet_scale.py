"""Compute the tables of docs/scale.md about fleets: events, polls and full passes of many firms.

A simulation runs the DAG of docs/fleet.md for a working day: each minute it takes the most urgent
firms that are due, as far as slots are free. All runs draw from one rate limit.
"""

from __future__ import annotations

import heapq
import random
import statistics
from dataclasses import dataclass, field

from scripts.markdown import format_duration, format_table
from scripts.scale import (
    BANK_ACCOUNTS,
    CHANGED_PER_DAY,
    CPU_SECONDS_PER_REQUEST,
    CPU_SECONDS_PER_RUN,
    FIRMS,
    MATTER_CHILD_STREAMS,
    REQUESTS_PER_SECOND,
    START_SECONDS,
    STREAMS_PER_BANK_ACCOUNT,
    matters_per_firm,
)
from tap_smokeball import streams
from tap_smokeball.sync.child_stream import ChildStream

POLLED_LISTS = sum(
    stream.selected_by_default and not stream.event_types and not issubclass(stream, ChildStream)
    for stream in streams.ALL
)
"""Top-level streams that are selected by default and have no events."""

REQUESTS_PER_POLL = POLLED_LISTS + STREAMS_PER_BANK_ACCOUNT * BANK_ACCOUNTS
READS_PER_EVENT = 2
"""An event is acted on again after a minute, since reads lag writes."""

WORKING_SECONDS = 8 * 3600
DAY_SECONDS = 24 * 3600
REPEAT_SECONDS = 65
TICK_SECONDS = 60
WARM_UP_SECONDS = 3600
RATE_LIMIT_A_DAY = REQUESTS_PER_SECOND * DAY_SECONDS

PLANS = {10: (0.5, 1, 4), 300: (1, 7, 16), 3000: (4, 7, 64)}
"""For a number of firms: hours between polls, days between full passes, slots."""


@dataclass(frozen=True)
class DayOfRequests:
    """Requests of all firms in a day, by reason."""

    events: int
    polls: int
    full_passes: int

    @property
    def total(self) -> int:
        """Requests in a day."""
        return self.events + self.polls + self.full_passes


def requests_a_day(count: int, poll_hours: float, pass_days: float) -> DayOfRequests:
    """Return the requests of a fleet in a day.

    Args:
        count: Number of firms.
        poll_hours: Hours between polls.
        pass_days: Days between full passes.
    """
    matters = sum(matters_per_firm(count))
    return DayOfRequests(
        events=round(matters * CHANGED_PER_DAY * READS_PER_EVENT),
        polls=round(count * REQUESTS_PER_POLL * 24 / poll_hours),
        full_passes=round(matters * MATTER_CHILD_STREAMS / pass_days),
    )


@dataclass
class _Firm:
    event_rate: float
    poll_at: float
    waiting: list[float] = field(default_factory=list)
    repeat_at: float = float("inf")
    is_busy: bool = False

    def due_since(self, now: float) -> float | None:
        """Return since when the firm is due, events before polls; None if it is not."""
        if self.is_busy:
            return None
        if self.waiting:
            return self.waiting[0] - DAY_SECONDS
        since = min(self.repeat_at - DAY_SECONDS / 2, self.poll_at)
        return since if min(self.repeat_at, self.poll_at) <= now else None


@dataclass(frozen=True)
class Freshness:
    """Ages in seconds of events when their rows are loaded, and the runs in an hour."""

    median_seconds: float
    p95_seconds: float
    runs_an_hour: float


def simulate_working_day(count: int, poll_hours: float, slots: int) -> Freshness:
    """Simulate the working hours of a fleet.

    Args:
        count: Number of firms.
        poll_hours: Hours between polls.
        slots: Slots of the pool.
    """
    generator = random.Random(count)  # noqa: S311 - repeatable, not secret
    poll_seconds = poll_hours * 3600
    firms = [
        _Firm(matters * CHANGED_PER_DAY / WORKING_SECONDS, generator.uniform(0, poll_seconds))
        for matters in matters_per_firm(count)
    ]
    ages: list[float] = []
    runs, limit_free_at = 0, 0.0
    free_at = [0.0] * slots
    running: list[tuple[float, int]] = []
    for tick in range(0, WORKING_SECONDS, TICK_SECONDS):
        for firm in firms:
            for _ in range(_poisson(generator, firm.event_rate * TICK_SECONDS)):
                firm.waiting.append(tick - generator.uniform(0, TICK_SECONDS))
            firm.waiting.sort()
        while running and running[0][0] <= tick:
            firms[heapq.heappop(running)[1]].is_busy = False
        due = [
            (since, index)
            for index, firm in enumerate(firms)
            if (since := firm.due_since(tick)) is not None
        ]
        for _, index in sorted(due)[: max(0, 2 * slots - len(running))]:
            firm, runs = firms[index], runs + 1
            started = max(heapq.heappop(free_at), tick)
            requests = len(firm.waiting)
            if firm.repeat_at <= tick:
                requests += 1
            if firm.poll_at <= tick:
                requests += REQUESTS_PER_POLL
                firm.poll_at = tick + poll_seconds
            limit_free_at = max(limit_free_at, started) + requests / REQUESTS_PER_SECOND
            ended = max(started, limit_free_at) + START_SECONDS
            if tick >= WARM_UP_SECONDS:
                ages += [ended - arrived for arrived in firm.waiting]
            firm.repeat_at = firm.waiting[-1] + REPEAT_SECONDS if firm.waiting else float("inf")
            firm.waiting, firm.is_busy = [], True
            heapq.heappush(free_at, ended)
            heapq.heappush(running, (ended, index))
    ages.sort()
    p95 = ages[int(len(ages) * 0.95)]
    return Freshness(statistics.median(ages), p95, runs * 3600 / WORKING_SECONDS)


def _poisson(generator: random.Random, mean: float) -> int:
    number, waited = 0, generator.expovariate(1)
    while waited < mean:
        number, waited = number + 1, waited + generator.expovariate(1)
    return number


def tables() -> dict[str, list[str]]:
    """Return the tables by name."""
    return {"fleet requests": _requests(), "fleet freshness": _freshness()}


def _requests() -> list[str]:
    rows = []
    for count in FIRMS:
        poll_hours, pass_days, _ = PLANS[count]
        day = requests_a_day(count, poll_hours, pass_days)
        left = RATE_LIMIT_A_DAY - day.events - day.polls
        matters = sum(matters_per_firm(count))
        possible = matters * MATTER_CHILD_STREAMS / left if left > 0 else None
        rows.append(
            (
                f"{count:,}",
                f"{day.events:,}",
                f"{day.polls:,} (each {format_duration(poll_hours * 3600)})",
                f"{day.full_passes:,} ({'daily' if pass_days == 1 else f'each {pass_days} days'})",
                f"{day.total / RATE_LIMIT_A_DAY:.0%}",
                "never" if possible is None else f"{max(possible, 0.01):.1f} days",
            )
        )
    head = (
        "Firms",
        "Events",
        "Polls",
        "Full passes",
        "Share of the rate limit",
        "A full pass of all firms takes at least",
    )
    return format_table(head, *rows)


def _freshness() -> list[str]:
    rows = []
    for count in FIRMS:
        poll_hours, _, slots = PLANS[count]
        found = simulate_working_day(count, poll_hours, slots)
        requests = requests_a_day(count, poll_hours, 1e9).total / 24
        cpu = found.runs_an_hour * CPU_SECONDS_PER_RUN + requests * CPU_SECONDS_PER_REQUEST
        rows.append(
            (
                f"{count:,}",
                f"{slots}",
                format_duration(found.median_seconds),
                format_duration(found.p95_seconds),
                f"{found.runs_an_hour:,.0f}",
                f"{cpu / 3600:.1f}",
            )
        )
    head = ("Firms", "Slots", "Age of a change, median", "95%", "Runs per hour", "Cores")
    return format_table(head, *rows)
