"""Measure how much of the rate limit is used: 300 matters, three latencies, two rates.

The ideal client knows the limits and wastes nothing. It sends the list of matters first and waits
for the response. Then it sends the full burst at once and the remaining requests at the rate. The
measured time runs from the first request to the last response by the API's clock, so the start of
Python does not count.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks.competitors import COMPETITORS, STOCK, simulated_firm
from benchmarks.measure import ProgramFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

LATENCIES_MS = (50, 200, 800)
RATE_LIMITS = ((20, 20), (5, 5))
"""Requests per second, and burst."""
MATTERS = 300
STAGGER_SECONDS = 1.0

Case = tuple[str, int, int, int]
Result = dict[str, Any]


def ideal_seconds(requests: int, rate: float, burst: int, latency: float) -> float:
    """Return the minimum duration of some requests, of which the first is sent alone."""
    overflow = max(0.0, rate * latency - 1)  # a full bucket gains nothing during the first request
    last_sent = max(latency, (requests - burst + overflow) / rate)
    return last_sent + latency


class RateLimitBenchmark:
    """All cases: the fast ones first, the slow ones in parallel with the other benchmarks.

    No case takes much CPU. Cases that use the whole rate run one at a time; cases that mostly wait
    run in parallel with them.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=len(list(cases())))
        self._futures: dict[Case, Future[Result]] = {}

    def run_fast_cases(self) -> None:
        """Start all cases and return when only the slow ones are running."""
        waiting: list[Case] = []
        busy: list[Case] = []
        for case in cases():
            name, _, rate, _ = case
            (waiting if name == STOCK or rate < max(RATE_LIMITS)[0] else busy).append(case)
        for case in waiting:
            self._futures[case] = self._pool.submit(measure, *case)
            time.sleep(STAGGER_SECONDS)  # starting a process takes CPU
        for case in busy:
            self._futures[case] = self._pool.submit(measure, *case)
            self._futures[case].exception()
        for case, future in self._futures.items():
            if not _is_slow(case):
                future.exception()

    def results(self) -> list[Result]:
        """Wait for all cases and return their results in order."""
        with self._pool:
            return [self._futures[case].result() for case in cases()]


def cases() -> Iterator[Case]:
    """Yield competitor, latency in ms, requests per second and burst."""
    for rate, burst in RATE_LIMITS:
        for latency_ms in LATENCIES_MS:
            for name in COMPETITORS:
                yield name, latency_ms, rate, burst


def measure(name: str, latency_ms: int, rate: int, burst: int) -> Result:
    """Run one case."""
    result: Result = {"name": name, "latency_ms": latency_ms, "rate": rate, "burst": burst}
    with simulated_firm(
        matters=MATTERS, fees=1, exact_fees=True, latency_ms=latency_ms, rate=rate, burst=burst
    ) as firm:
        try:
            run = firm.run(name, requests_per_second=rate, burst=burst)
        except ProgramFailedError:
            return result | {"failed": True, "rejected": firm.rejected()}
    ideal = ideal_seconds(MATTERS + 1, rate, burst, latency_ms / 1000)
    return result | {
        "failed": run.rows.get("fees") != MATTERS,
        "requests": run.requests,
        "rejected": run.rejected,
        "seconds": run.seconds,
        "ideal_seconds": ideal,
        "share": ideal / run.seconds,
    }


def _is_slow(case: Case) -> bool:
    name, latency_ms, _, _ = case
    return name == STOCK and latency_ms == max(LATENCIES_MS)
