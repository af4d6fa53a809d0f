"""The figures of docs/scale.md: what it takes to load many firms under a shared allowance.

Everything follows from the assumptions below and from the list of streams. A simulation plays the
DAG: firms of different sizes wait for a slot of their app's pool, round after round.
"""

from __future__ import annotations

import heapq
import math
import random
import statistics
from dataclasses import dataclass

from tap_smokeball import streams
from tap_smokeball.streams.matters import MattersStream
from tap_smokeball.sync.child_stream import ChildStream

REQUESTS_PER_SECOND = 5
"""What Smokeball gives an app."""

PAGE = 500
FIRMS = (10, 300, 3000)

MEDIAN_MATTERS = 1000
SPREAD = 1.0
"""Sizes are log-normal around the median: about one firm of 100 has more than ten times as many."""

LIVE = 0.25
"""Part of the matters that are `Open` or `Pending`."""

CHANGED_A_DAY = 0.02
"""Part of the rows of a firm's lists that change in a day."""

ROWS_PER_MATTER = 8
"""Rows of the lists of the whole firm for each matter: contacts, tasks, events, stages."""

BANK_ACCOUNTS = 4
START_SECONDS = 15
"""From Airflow's decision until the first request, and from the last until the task has ended."""

MAX_RUN_SECONDS = 45 * 60
# Measured on two cores with 2,000 matters and the DuckDB loader: peaks of resident memory.
MEGABYTES = {"Meltano": 143, "tap": 77, "loader": 143, "Airflow's task": 70}
CPU_SECONDS_A_RUN = 10
CPU_SECONDS_A_REQUEST = 0.0025
STATE_BYTES = 1938
XCOM_BYTES = 2200

_DEFAULT = [stream for stream in streams.ALL if stream.selected_by_default]
BELOW_MATTERS = sum(
    issubclass(stream, ChildStream) and stream.parent_stream_type is MattersStream
    for stream in _DEFAULT
)
FIRM_WIDE = sum(not issubclass(stream, ChildStream) for stream in _DEFAULT)


@dataclass(frozen=True)
class Job:
    """What is loaded.

    Attributes:
        title: As the tables have it.
        below: Streams below matters that are read.
        share: Part of the matters that are read.
    """

    title: str
    below: int
    share: float = 1

    def requests(self, matters: int, days: float = 1) -> int:
        """Return the requests of one run.

        Args:
            matters: Size of the firm.
            days: Since the run before.
        """
        listed = round(matters * self.share)
        changed = matters * ROWS_PER_MATTER * min(1, CHANGED_A_DAY * days)
        login, pages = 1, listed // PAGE + int(changed) // PAGE
        return login + FIRM_WIDE + 2 * BANK_ACCOUNTS + pages + self.below * listed


JOBS = (
    Job("all matters", BELOW_MATTERS),
    Job("live matters", BELOW_MATTERS, LIVE),
    Job("nothing below matters", 0),
)


def sizes(count: int) -> list[int]:
    """Return how many matters each of some firms has; the same ones each time."""
    chance = random.Random(count)  # noqa: S311 - repeatable, not secret
    return [round(chance.lognormvariate(math.log(MEDIAN_MATTERS), SPREAD)) for _ in range(count)]


@dataclass(frozen=True)
class StreamStatus:
    """What a simulation shows.

    Attributes:
        seconds: Length of a round, that is a run of the DAG, on average.
        usual_age: Median over the firms of how old their data gets, in seconds.
        worst_age: The same of the firm that waits longest.
        used: Part of the allowance that was used.
    """

    seconds: float
    usual_age: float
    worst_age: float
    used: float


def simulate(count: int, job: Job, slots: int, limit: float = MAX_RUN_SECONDS) -> StreamStatus:
    """Play the DAG for firms that share one app, each round upon the one before.

    Args:
        count: How many firms.
        job: What is loaded.
        slots: Size of the app's pool; a firm's share of the allowance is one slot's.
        limit: Age at which a firm's run ends, in seconds.
    """
    firms = [_Firm(matters) for matters in sizes(count)]
    rate = REQUESTS_PER_SECOND / slots
    now, rounds, requests = 0.0, 0, 0
    while not all(firm.ages for firm in firms):
        free = [now] * slots
        for firm in firms:
            began = heapq.heappop(free)
            asked = firm.work(job, began, rate, limit)
            requests += asked
            heapq.heappush(free, began + START_SECONDS + asked / rate)
        now, rounds = max(free), rounds + 1
    ages = [max(firm.ages) for firm in firms]
    used = requests / (now * REQUESTS_PER_SECOND)
    return StreamStatus(now / rounds, statistics.median(ages), max(ages), used)


class _Firm:
    """A firm whose pass takes as many runs as it takes."""

    def __init__(self, matters: int) -> None:
        self.ages: list[float] = []
        """How old its data was, just before each pass but the first was complete."""
        self._matters = matters
        self._left = 0
        self._pass_began = 0.0
        self._loaded_as_of: float | None = None

    def work(self, job: Job, now: float, rate: float, limit: float) -> int:
        """Let the firm's task run; return how many requests it made."""
        if not self._left:
            since = (now - (self._loaded_as_of or 0)) / 86400
            self._left = job.requests(self._matters, since)
            self._pass_began = now
        asked = min(self._left, int(min(limit, 1e9) * rate))
        self._left -= asked
        if not self._left:
            if self._loaded_as_of is not None:
                self.ages.append(now + START_SECONDS + asked / rate - self._loaded_as_of)
            self._loaded_as_of = self._pass_began
        return asked


def tables() -> dict[str, list[str]]:
    """Return the tables of the page by their names."""
    return {
        "assumptions": _assumptions(),
        "one firm": _one_firm(),
        "many firms": _many_firms(),
        "slots": _slots(),
        "limits": _limits(),
        "apps": _apps(),
        "storage": _storage(),
        "asking": _asking(),
    }


def _assumptions() -> list[str]:
    memory = ", ".join(f"{name} {size}" for name, size in MEGABYTES.items())
    return _table(
        ("What", "Assumed"),
        ("Allowance of an app", f"{REQUESTS_PER_SECOND} requests/s"),
        ("Matters of a firm", f"log-normal: median {MEDIAN_MATTERS:,}, sigma {SPREAD:g}"),
        ("Live matters (`Open`, `Pending`)", f"{LIVE:.0%}"),
        ("Streams below matters", f"{BELOW_MATTERS}, those selected by default"),
        ("Streams of the whole firm", f"{FIRM_WIDE}, and 2 for each of {BANK_ACCOUNTS} accounts"),
        ("Rows of the firm's lists", f"{ROWS_PER_MATTER} for each matter"),
        ("Changed in a day", f"{CHANGED_A_DAY:.0%} of them"),
        ("Start and end of a task", f"{START_SECONDS} s without requests"),
        ("`max_run_minutes`", f"{MAX_RUN_SECONDS // 60}"),
        ("Memory of a task, MB", f"{memory} (measured)"),
        (
            "Processor of a task",
            f"{CPU_SECONDS_A_RUN} s, and {CPU_SECONDS_A_REQUEST * 1000:g} ms a request (measured)",
        ),
    )


def _one_firm() -> list[str]:
    rows = [
        (
            f"{matters:,}",
            *(
                f"{(asked := job.requests(matters)):,}, {_time(asked / REQUESTS_PER_SECOND)}"
                for job in JOBS
            ),
        )
        for matters in (500, 2000, 10_000)
    ]
    return _table(("Matters", *(_title(job) for job in JOBS)), *rows)


def _many_firms() -> list[str]:
    rows = []
    for job in JOBS:
        for count in FIRMS:
            outcome = simulate(count, job, 2)
            asked = sum(job.requests(matters) for matters in sizes(count))
            ages = (_time(outcome.usual_age), _time(outcome.worst_age))
            rows.append((_title(job), f"{count:,}", f"{asked:,}", _time(outcome.seconds), *ages))
    head = ("Job", "Firms", "Requests for all", "A round", "Data gets as old as", "At worst")
    return _table(head, *rows)


def _slots() -> list[str]:
    rows = [
        (str(slots), *(f"{simulate(300, job, slots).used:.0%}" for job in JOBS))
        for slots in (1, 2, 3, 5)
    ]
    return _table(("Slots", *(_title(job) for job in JOBS)), *rows)


def _limits() -> list[str]:
    rows = []
    for minutes in (15, MAX_RUN_SECONDS / 60, 180, math.inf):
        cells = [f"{minutes:g}" if minutes < math.inf else "none"]
        for job in JOBS[:2]:
            outcome = simulate(300, job, 2, minutes * 60)
            cells += [_time(outcome.usual_age), _time(outcome.worst_age)]
        rows.append(tuple(cells))
    head = [f"{_title(job)}: {how}" for job in JOBS[:2] for how in ("usual age", "worst")]
    return _table(("`max_run_minutes`", *head), *rows)


def _apps() -> list[str]:
    """What it takes where each firm has an app of its own, so that only the workers are limited."""
    rows = []
    for job in JOBS:
        for count in FIRMS:
            times = [
                START_SECONDS + job.requests(matters) / REQUESTS_PER_SECOND
                for matters in sizes(count)
            ]
            asked = sum(job.requests(matters) for matters in sizes(count))
            work = count * CPU_SECONDS_A_RUN + asked * CPU_SECONDS_A_REQUEST
            at_once = math.ceil(sum(times) / 3600)
            memory = at_once * sum(MEGABYTES.values()) / 1000
            rows.append(
                (
                    _title(job),
                    f"{count:,}",
                    _time(max(times)),
                    f"{at_once:,}",
                    f"{memory:,.1f} GB",
                    f"{work / 3600:.1f}",
                ),
            )
    head = ("Job", "Firms", "Largest firm", "Tasks at once, for each hour", "Memory", "Cores")
    return _table(head, *rows)


def _storage() -> list[str]:
    rows = [
        (
            f"{count:,}",
            f"{count * STATE_BYTES / 1e6:,.2f} MB in {count:,} objects",
            f"{count * 24 * XCOM_BYTES / 1e6:,.1f} MB",
            f"{count * 24:,}",
        )
        for count in FIRMS
    ]
    return _table(("Firms", "State", "Summaries a day", "Task instances a day"), *rows)


def _asking() -> list[str]:
    """The allowance that a goal needs; with lists of the whole firm for what is below matters."""
    whole = Job("", 0)
    rows = []
    for count in FIRMS:
        asked = [sum(job.requests(matters) for matters in sizes(count)) for job in JOBS]
        lists = sum(whole.requests(matters) + BELOW_MATTERS for matters in sizes(count))
        goals = (asked[0] / (8 * 3600), asked[1] / 3600, lists / 3600)
        rows.append((f"{count:,}", *(f"{rate:,.1f}" for rate in goals)))
    head = (
        "Firms",
        "All matters, in 8 hours of the night",
        "Live matters, each hour",
        "All matters each hour, if there were firm-wide lists",
    )
    return _table(head, *rows)


def _title(job: Job) -> str:
    return job.title.capitalize()


def _time(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _table(head: tuple[str, ...], *rows: tuple[str, ...]) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return [lines[0], "|" + "---|" * len(head), *lines[1:]]
