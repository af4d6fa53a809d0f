"""The probe's requests are counted and bounded here, and nowhere else."""

from __future__ import annotations

import math
import sys
import threading
import time
from typing import TYPE_CHECKING

from tap_smokeball.api.client import TOKEN_REQUESTS
from tap_smokeball.api.rate_limit import RateLimit
from tap_smokeball.errors import ProbeBudgetError

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_smokeball.api.transport import Transport

MAX_REQUESTS = 200
"""Requests of a probe, with those of its earlier runs and for access tokens."""

MAX_BURST = 10
"""Requests that are ever in flight together."""

_TOO_MANY_REQUESTS = 429


class Budget(RateLimit):
    """The rate limit of the probe: the tap's own, and a bound on all requests.

    Args:
        transport: Sends the requests; they are counted from now on.
        used: Requests of the probe's earlier runs.

    Attributes:
        statuses: Status of each response of the last burst.
        retry_after: ``Retry-After`` of each 429 of the last burst; None where it was missing.
        seconds: Seconds of the last request that was answered.
    """

    def __init__(self, transport: Transport, used: int) -> None:
        self._transport = transport
        self._inner = transport.rate_limit
        self._lock = threading.Lock()
        self._used = used
        self._sent = 0
        self._burst_left: int | None = None
        self._in_flight = threading.local()
        self.statuses: list[int] = []
        self.retry_after: list[str | None] = []
        self.seconds = 0.0
        transport.rate_limit = self
        transport.on_response = self._count_response

    @property
    def used(self) -> int:
        """Requests so far."""
        return self._used + self._sent + self._transport.requests[TOKEN_REQUESTS]

    @property
    def left(self) -> int:
        """Requests that may still be sent."""
        return max(0, MAX_REQUESTS - self.used)

    def begin_burst(self, requests: int) -> None:
        """Let some requests start at once; then none, until `end_burst`."""
        with self._lock:
            self._burst_left = min(requests, MAX_BURST)
            self.statuses, self.retry_after = [], []

    def end_burst(self) -> None:
        """Return to the tap's rate limit."""
        with self._lock:
            self._burst_left = None

    @property
    @override
    def requests_per_second(self) -> float:
        return self._inner.requests_per_second

    @property
    @override
    def is_slowed(self) -> bool:
        return self._inner.is_slowed

    @override
    def acquire(self, latest: float = math.inf) -> None:
        with self._lock:
            if self.left <= 0 or self._burst_left == 0:
                raise ProbeBudgetError("no request of the probe is left")
            self._sent += 1
            is_burst = self._burst_left is not None
            if self._burst_left is not None:
                self._burst_left -= 1
        if not is_burst:
            self._inner.acquire(latest)
        self._in_flight.is_burst = is_burst
        self._in_flight.since = time.monotonic()

    @override
    def release(self) -> None:
        self.seconds = time.monotonic() - self._in_flight.since
        if not self._in_flight.is_burst:
            self._inner.release()

    @override
    def pause(self, seconds: float) -> None:
        self._inner.pause(seconds)

    @override
    def close(self) -> None:
        self._inner.close()

    def _count_response(self, status: int, headers: Mapping[str, str]) -> None:
        with self._lock:
            self.statuses.append(status)
            if status == _TOO_MANY_REQUESTS:
                self.retry_after.append(headers.get("Retry-After"))
