"""Compute the tables of docs/scale.md: many firms that share a rate limit.

All numbers follow from the assumptions below and from the list of streams. A simulation runs the
DAG: firms of different sizes wait for a slot of their app's pool, round after round.
"""

from __future__ import annotations

import heapq
import math
import random
import statistics
from dataclasses import dataclass

from scripts.markdown import format_duration, format_table
from tap_smokeball import streams
from tap_smokeball.streams.matters import MattersStream
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.closed_parents import LIVE_SHARE

REQUESTS_PER_SECOND = 5
"""Smokeball's rate limit for an app."""

PAGE_ROWS = 500
DAY_SECONDS, WEEK_SECONDS = 86_400, 7 * 86_400
FIRMS = (10, 300, 3000)

MEDIAN_MATTERS = 1000
SIGMA = 1.0
"""Firm sizes are log-normal. About one firm in 100 has more than ten times the median."""

LIVE = 0.25
"""Share of the matters that are `Open` or `Pending`."""

CHANGED_PER_DAY = 0.02
"""Share of the rows of top-level streams that change in a day."""

ROWS_PER_MATTER = 8
"""Rows of top-level streams per matter: contacts, tasks, events, stages."""

BANK_ACCOUNTS = 4
STREAMS_PER_BANK_ACCOUNT = 2

START_SECONDS = 15
"""Time without requests: from Airflow's decision to the first request, and after the last one."""

MAX_RUN_SECONDS = 45 * 60
# Measured on two cores with 2,000 matters and the DuckDB loader: peaks of resident memory. That of
# the tap is the share of each, if 20 run at the same time over TLS.
MEGABYTES = {"Meltano": 143, "tap": 47, "loader": 143, "Airflow task": 70}
CPU_SECONDS_PER_RUN = 10
CPU_SECONDS_PER_REQUEST = 0.0025
STATE_BYTES = 1938
XCOM_BYTES = 2200

_DEFAULT = [stream for stream in streams.ALL if stream.selected_by_default]
MATTER_CHILD_STREAMS = sum(
    issubclass(stream, ChildStream) and stream.parent_stream_type is MattersStream
    for stream in _DEFAULT
)
TOP_LEVEL_STREAMS = sum(not issubclass(stream, ChildStream) for stream in _DEFAULT)


@dataclass(frozen=True)
class Job:
    """A selection of streams and matters.

    Attributes:
        title: Its name in the tables.
        child_streams: Number of child streams of matters that it reads.
        share: Share of the matters that it reads in each pass. It reads the others once a week.
    """

    title: str
    child_streams: int
    share: float = 1

    def requests(self, matters: int, days: float = 1) -> int:
        """Return the number of requests of one run without a full pass over closed matters.

        Args:
            matters: Number of matters of the firm.
            days: Days since the previous run.
        """
        changed = matters * ROWS_PER_MATTER * min(1, CHANGED_PER_DAY * days)
        token, pages = 1, matters // PAGE_ROWS + int(changed) // PAGE_ROWS
        accounts = STREAMS_PER_BANK_ACCOUNT * BANK_ACCOUNTS
        children = self.child_streams * round(matters * self.share)
        return token + TOP_LEVEL_STREAMS + accounts + pages + children

    def closed_requests(self, matters: int) -> int:
        """Return the number of requests of a full pass over closed matters of their own."""
        return self.child_streams * (matters - round(matters * self.share))


JOBS = (
    Job("all matters", MATTER_CHILD_STREAMS),
    Job("live matters", MATTER_CHILD_STREAMS, LIVE),
    Job("no child streams of matters", 0),
)


def matters_per_firm(count: int) -> list[int]:
    """Return the number of matters of each of ``count`` firms; repeatable."""
    generator = random.Random(count)  # noqa: S311 - repeatable, not secret
    return [round(generator.lognormvariate(math.log(MEDIAN_MATTERS), SIGMA)) for _ in range(count)]


@dataclass(frozen=True)
class SimulationResult:
    """Result of `simulate`.

    Attributes:
        round_seconds: Average duration of a round, that is a run of the DAG.
        usual_age_seconds: Age of the data just before it is replaced, median over the firms.
        worst_age_seconds: The same for the firm that waits longest.
        rate_limit_use: Share of the rate limit that was used.
    """

    round_seconds: float
    usual_age_seconds: float
    worst_age_seconds: float
    rate_limit_use: float


def simulate(
    count: int, job: Job, slots: int, limit_seconds: float = MAX_RUN_SECONDS
) -> SimulationResult:
    """Simulate the DAG for firms that share one app; each round starts after the previous one.

    Args:
        count: Number of firms.
        job: The selection to load.
        slots: Size of the app's pool. Each slot has an equal share of the rate limit.
        limit_seconds: Time limit of a firm's run.
    """
    starts = (-number / count * WEEK_SECONDS for number in range(count))
    firms = [_Firm(*each) for each in zip(matters_per_firm(count), starts, strict=True)]
    rate, now, rounds, requests = REQUESTS_PER_SECOND / slots, 0.0, 0, 0
    while now < (job.share < 1) * WEEK_SECONDS or not all(firm.ages_seconds for firm in firms):
        free_at = [now] * slots
        for firm in firms:
            started = heapq.heappop(free_at)
            sent = firm.run(job, started, rate, limit_seconds)
            requests += sent
            heapq.heappush(free_at, started + START_SECONDS + sent / rate)
        now, rounds = max(free_at), rounds + 1
    ages = [max(firm.ages_seconds) for firm in firms]
    rate_limit_use = requests / (now * REQUESTS_PER_SECOND)
    return SimulationResult(now / rounds, statistics.median(ages), max(ages), rate_limit_use)


class _Firm:
    """A firm whose full pass may take several runs."""

    def __init__(self, matters: int, closed_started: float) -> None:
        self.ages_seconds: list[float] = []
        """Age of its data just before each completed pass, except the first one."""
        self._matters = matters
        self._requests_left = 0
        self._closed_left = 0
        self._pass_started = 0.0
        self._closed_started = closed_started
        self._data_as_of: float | None = None

    def run(self, job: Job, now: float, rate: float, limit_seconds: float) -> int:
        """Run the firm's task and return its number of requests."""
        if not self._requests_left:
            days = (now - (self._data_as_of or 0)) / DAY_SECONDS
            self._requests_left = job.requests(self._matters, days)
            self._pass_started = now
        if not self._closed_left and now - self._closed_started >= WEEK_SECONDS:
            self._closed_left = job.closed_requests(self._matters)
            self._closed_started = now
        allowed = int(min(limit_seconds, 1e9) * rate)
        sent = min(self._requests_left, int(allowed * (LIVE_SHARE if self._closed_left else 1)))
        self._requests_left -= sent
        if not self._requests_left:
            if self._data_as_of is not None:
                self.ages_seconds.append(now + START_SECONDS + sent / rate - self._data_as_of)
            self._data_as_of = self._pass_started
        closed_sent = min(self._closed_left, allowed - sent)
        self._closed_left -= closed_sent
        return sent + closed_sent


def tables() -> dict[str, list[str]]:
    """Return the tables of the page by name."""
    return {
        "assumptions": _assumptions(),
        "one firm": _one_firm(),
        "many firms": _many_firms(),
        "slots": _slots(),
        "time limits": _time_limits(),
        "separate apps": _separate_apps(),
        "storage": _storage(),
        "rate limits needed": _rate_limits_needed(),
    }


def _assumptions() -> list[str]:
    memory = ", ".join(f"{name} {size}" for name, size in MEGABYTES.items())
    return format_table(
        ("Assumption", "Value"),
        ("Rate limit of an app", f"{REQUESTS_PER_SECOND} requests per second"),
        ("Latency of a request", "at most 1 s, so that the rate limit holds, not the latency"),
        ("Matters per firm", f"log-normal: median {MEDIAN_MATTERS:,}, sigma {SIGMA:g}"),
        ("Live matters (`Open`, `Pending`)", f"{LIVE:.0%}"),
        ("Child streams of matters", f"{MATTER_CHILD_STREAMS} (selected by default)"),
        ("Top-level streams", f"{TOP_LEVEL_STREAMS}"),
        (
            "Child streams of bank accounts",
            f"{STREAMS_PER_BANK_ACCOUNT}, for {BANK_ACCOUNTS} accounts",
        ),
        ("Rows of top-level streams", f"{ROWS_PER_MATTER} per matter"),
        ("Rows of top-level streams that change", f"{CHANGED_PER_DAY:.0%} per day"),
        ("Start and end of a task", f"{START_SECONDS} s without requests"),
        ("`max_run_minutes`", f"{MAX_RUN_SECONDS // 60}"),
        ("Memory of a task in MB (measured)", memory),
        (
            "CPU of a task (measured)",
            f"{CPU_SECONDS_PER_RUN} s, plus {CPU_SECONDS_PER_REQUEST * 1000:g} ms per request",
        ),
    )


def _one_firm() -> list[str]:
    rows = [
        (
            f"{matters:,}",
            *(
                f"{sent:,}, {format_duration(sent / REQUESTS_PER_SECOND)}"
                for sent in (job.requests(matters) for job in JOBS)
            ),
        )
        for matters in (500, 2000, 10_000)
    ]
    return format_table(("Matters", *(job.title.capitalize() for job in JOBS)), *rows)


def _many_firms() -> list[str]:
    rows = []
    for job in JOBS:
        for count in FIRMS:
            result = simulate(count, job, 2)
            requests = sum(job.requests(matters) for matters in matters_per_firm(count))
            rows.append(
                (
                    job.title.capitalize(),
                    f"{count:,}",
                    f"{requests:,}",
                    format_duration(result.round_seconds),
                    format_duration(result.usual_age_seconds),
                    format_duration(result.worst_age_seconds),
                )
            )
    head = ("Job", "Firms", "Requests for all firms", "Round", "Age of data, median", "Worst")
    return format_table(head, *rows)


def _slots() -> list[str]:
    rows = [
        (str(slots), *(f"{simulate(300, job, slots).rate_limit_use:.0%}" for job in JOBS))
        for slots in (1, 2, 3, 5)
    ]
    return format_table(("Slots", *(job.title.capitalize() for job in JOBS)), *rows)


def _time_limits() -> list[str]:
    rows = []
    for minutes in (15, MAX_RUN_SECONDS / 60, 180, math.inf):
        cells = [f"{minutes:g}" if minutes < math.inf else "none"]
        for job in JOBS[:2]:
            result = simulate(300, job, 2, minutes * 60)
            ages = result.usual_age_seconds, result.worst_age_seconds
            cells += map(format_duration, ages)
        rows.append(tuple(cells))
    titles = [job.title.capitalize() for job in JOBS[:2]]
    head = [f"{title}: {which}" for title in titles for which in ("median", "worst")]
    return format_table(("`max_run_minutes`", *head), *rows)


def _separate_apps() -> list[str]:
    """Return the workers needed if each firm has its own app, so that only workers are scarce."""
    rows = []
    for job in JOBS:
        for count in FIRMS:
            seconds = [
                START_SECONDS + job.requests(matters) / REQUESTS_PER_SECOND
                for matters in matters_per_firm(count)
            ]
            requests = sum(job.requests(matters) for matters in matters_per_firm(count))
            cpu_seconds = count * CPU_SECONDS_PER_RUN + requests * CPU_SECONDS_PER_REQUEST
            tasks = math.ceil(sum(seconds) / 3600)
            gigabytes = tasks * sum(MEGABYTES.values()) / 1000
            rows.append(
                (
                    job.title.capitalize(),
                    f"{count:,}",
                    format_duration(max(seconds)),
                    f"{tasks:,}",
                    f"{gigabytes:,.1f} GB",
                    f"{cpu_seconds / 3600:.1f}",
                ),
            )
    head = ("Job", "Firms", "Run of the largest firm", "Concurrent tasks", "Memory", "Cores")
    return format_table(head, *rows)


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
    return format_table(("Firms", "State", "Summaries per day", "Task instances per day"), *rows)


def _rate_limits_needed() -> list[str]:
    """Return the rate limits of three goals; the third assumes firm-wide lists of child rows."""
    no_children = JOBS[-1]
    rows = []
    for count in FIRMS:
        firms = matters_per_firm(count)
        requests = [sum(job.requests(matters) for matters in firms) for job in JOBS]
        lists = sum(no_children.requests(matters) + MATTER_CHILD_STREAMS for matters in firms)
        rates = (requests[0] / (8 * 3600), requests[1] / 3600, lists / 3600)
        rows.append((f"{count:,}", *(f"{rate:,.1f}" for rate in rates)))
    head = (
        "Firms",
        "All matters, nightly within 8 hours",
        "Live matters, hourly",
        "All matters, hourly, if the API had firm-wide lists",
    )
    return format_table(head, *rows)
