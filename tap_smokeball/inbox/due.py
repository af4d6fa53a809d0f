"""Which firms have something to do, the most urgent first.

A run costs seconds of a processor before its first request. So it is started for a firm only if an
event waits that no run has seen, or that must be acted on again because reads lag writes; if a poll
or a full pass is due; or if the last run failed and its delay is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_smokeball import dotnet_ticks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_smokeball.inbox.fleet import FirmRuns

KINDS = ("events", "first_run", "retry", "poll", "full_pass")
"""Reasons to run a firm, the most urgent first."""

REPEAT_SECONDS = 65
"""Age at which an event needs not be acted on again. The tap's own limit is 60 s."""

HELD_RETRY_SECONDS = 600
"""Time between runs for an event that a run could not act on, since its parent cannot be read."""

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 60, 3600
"""Delays after a failed run: the first one, which doubles with each failure, and the longest."""


@dataclass(frozen=True)
class Intervals:
    """How often each firm is polled and read in full, in ticks; 0 if that makes no firm due.

    Attributes:
        poll_ticks: Interval of polls.
        full_pass_ticks: Interval of full passes.
        closed_pass_ticks: Interval of full passes over closed matters; 0: as of the others.
    """

    poll_ticks: int
    full_pass_ticks: int
    closed_pass_ticks: int


@dataclass(frozen=True)
class DueFirm:
    """A firm that has something to do.

    Attributes:
        firm: Name of the firm.
        kinds: Why, of `KINDS`.
        since: Since when, in .NET ticks.
        waiting_events: Events that wait.
        oldest_arrival: When the first of them arrived.
    """

    firm: str
    kinds: tuple[str, ...]
    since: int
    waiting_events: int
    oldest_arrival: int | None

    @property
    def urgency(self) -> tuple[int, int]:
        """Sorts the most urgent firm first."""
        return KINDS.index(self.kinds[0]), self.since

    def document(self, now: int) -> dict[str, Any]:
        """Return the firm as JSON."""
        oldest = self.oldest_arrival
        return {
            "firm": self.firm,
            "reasons": list(self.kinds),
            "due_seconds": _seconds(now - self.since),
            "waiting_events": self.waiting_events,
            "oldest_event_seconds": None if oldest is None else _seconds(now - oldest),
        }


@dataclass(frozen=True)
class Fleet:
    """The firms of an inbox: those that are due, in order, and the others by name."""

    due: list[DueFirm]
    busy: list[str]
    delayed: list[str]
    idle: list[str]


def find_due(
    now: int, firms: Iterable[FirmRuns], intervals: Intervals, kinds: Iterable[str] = KINDS
) -> Fleet:
    """Return which firms are due.

    Args:
        now: The inbox's clock in ticks.
        firms: The firms.
        intervals: Intervals of polls and full passes.
        kinds: Reasons that count.
    """
    wanted, fleet = set(kinds), Fleet([], [], [], [])
    for each in firms:
        run = each.run
        if run and max(run["lease_ends"], run["claim_ends"]) >= now:
            fleet.busy.append(each.firm)
            continue
        if run and run["attempted"] + _delay(run["failures"]) > now:
            fleet.delayed.append(each.firm)
            continue
        since = {
            kind: ticks
            for kind, ticks in _reasons(now, each, intervals).items()
            if kind in wanted and ticks <= now
        }
        if since:
            found = tuple(kind for kind in KINDS if kind in since)
            events = each.waiting_events, each.oldest_arrival
            fleet.due.append(DueFirm(each.firm, found, since[found[0]], *events))
        else:
            fleet.idle.append(each.firm)
    fleet.due.sort(key=lambda each: each.urgency)
    return fleet


def _reasons(now: int, firm: FirmRuns, intervals: Intervals) -> dict[str, int]:
    """Return the ticks since when, or at which, a firm is due, by kind."""
    run = firm.run
    if run is None or not (run["ended"] or run["failures"]):
        return {"first_run": now}
    reasons: dict[str, int] = {}
    if run["is_pass_waiting"] and run["last_full_pass"] == 0:
        reasons["first_run"] = run["ended"] or now
    if run["failures"]:
        reasons["retry"] = run["attempted"] + _delay(run["failures"])
    if firm.first_unseen is not None:
        reasons["events"] = firm.first_unseen
    elif firm.last_arrival is not None:
        settled = firm.last_arrival + _ticks(REPEAT_SECONDS)
        is_held = (run["ended"] or 0) > settled
        reasons["events"] = run["ended"] + _ticks(HELD_RETRY_SECONDS) if is_held else settled
    if intervals.poll_ticks and run["last_poll"] is not None:
        reasons["poll"] = run["last_poll"] + intervals.poll_ticks
    if passes := _passes(run, intervals):
        if run["is_pass_waiting"]:
            passes.append(run["ended"] or now)
        reasons["full_pass"] = min(passes)
    return reasons


def _passes(run: dict[str, Any], intervals: Intervals) -> list[int]:
    """Return the ticks at which the full passes of a firm are due by their intervals."""
    full_pass_ticks = intervals.full_pass_ticks
    ticks_by_pass = {
        "last_full_pass": full_pass_ticks,
        "last_closed_pass": intervals.closed_pass_ticks or full_pass_ticks,
    }
    return [
        run[name] + ticks
        for name, ticks in ticks_by_pass.items()
        if ticks and run[name] is not None
    ]


def _delay(failures: int) -> int:
    if not failures:
        return 0
    return _ticks(min(FIRST_RETRY_SECONDS * 2 ** min(failures - 1, 10), LAST_RETRY_SECONDS))


def _ticks(seconds: float) -> int:
    return round(seconds * dotnet_ticks.PER_SECOND)


def _seconds(ticks: int) -> float:
    return round(max(0, ticks) / dotnet_ticks.PER_SECOND, 1)
