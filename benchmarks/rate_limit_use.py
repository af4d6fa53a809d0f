"""How much of the allowance is used: 300 matters, by three latencies and two allowances.

The ideal is that of a client who knows the limits and wastes nothing. The list of matters goes
first, and its answer takes the latency; then the bucket's content leaves at once and the rest one
by one at the rate; the last answer takes the latency again. What is measured is the time from the
arrival of the first request to the last answer, by the API's own clock, so that starting Python
does not count.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks.competitors import ALL, STOCK, lab
from benchmarks.measure import Failed

if TYPE_CHECKING:
    from collections.abc import Iterator

LATENCIES_MS = (50, 200, 800)
ALLOWANCES = ((20, 20), (5, 5))
MATTERS = 300
STAGGER_SECONDS = 1.0

Case = tuple[str, int, int, int]
Result = dict[str, Any]


def ideal(requests: int, rate: float, burst: int, latency: float) -> float:
    """Return the least seconds that this many requests can take, the first of them alone."""
    overflow = max(0.0, rate * latency - 1)  # a full bucket takes no more while the first is out
    last_leaves = max(latency, (requests - burst + overflow) / rate)
    return last_leaves + latency


class Allowance:
    """All cases: those that are quick first, the slow ones beside whatever comes next.

    Nothing here takes much CPU. What keeps the whole allowance busy runs alone with one other,
    what only waits runs beside it.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=len(list(cases())))
        self._futures: dict[Case, Future[Result]] = {}

    def quick(self) -> None:
        """Begin with all, and return when only the slow ones are left."""
        waiting: list[Case] = []
        busy: list[Case] = []
        for case in cases():
            who, _, rate, _ = case
            (waiting if who == STOCK or rate < max(ALLOWANCES)[0] else busy).append(case)
        for case in waiting:
            self._futures[case] = self._pool.submit(measure, *case)
            time.sleep(STAGGER_SECONDS)  # to start takes CPU
        for case in busy:
            self._futures[case] = self._pool.submit(measure, *case)
            self._futures[case].exception()
        for case, future in self._futures.items():
            if not _is_slow(case):
                future.exception()

    def results(self) -> list[Result]:
        """Return the results, in order, as soon as all are there."""
        with self._pool:
            return [self._futures[case].result() for case in cases()]


def cases() -> Iterator[Case]:
    """Yield who, latency in ms, requests a second and burst."""
    for rate, burst in ALLOWANCES:
        for latency_ms in LATENCIES_MS:
            for who in ALL:
                yield who, latency_ms, rate, burst


def measure(who: str, latency_ms: int, rate: int, burst: int) -> Result:
    """Run one case."""
    result: Result = {"who": who, "latency_ms": latency_ms, "rate": rate, "burst": burst}
    with lab(
        matters=MATTERS, fees=1, exact_fees=True, latency_ms=latency_ms, rate=rate, burst=burst
    ) as firm:
        try:
            outcome = firm.run(who, requests_per_second=rate, burst=burst)
        except Failed:
            return result | {"failed": True, "refused": firm.refused()}
    least = ideal(MATTERS + 1, rate, burst, latency_ms / 1000)
    return result | {
        "failed": outcome.rows.get("fees") != MATTERS,
        "requests": outcome.requests,
        "refused": outcome.refused,
        "seconds": outcome.seconds,
        "ideal_seconds": least,
        "share": least / outcome.seconds,
    }


def _is_slow(case: Case) -> bool:
    who, latency_ms, _, _ = case
    return who == STOCK and latency_ms == max(LATENCIES_MS)
