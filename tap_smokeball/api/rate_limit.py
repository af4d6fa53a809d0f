"""The app's rate limit: one token bucket for the whole process.

`shared_rate_limit` has the one that many processes share.

Smokeball allows an app 5 requests per second with a burst of 5, and rejects further requests with
429 (docs/smokeball.md). The API counts requests when they arrive. Two requests that are sent apart
can arrive together. A small part of the burst is never used: it absorbs that jitter.

A process that has the app for itself gets no 429. If another one uses the same rate limit, the
bucket slows down with each 429 and recovers while there is none: slowly at first, since the rate at
which the last 429 came is near, then faster. So processes that share a rate limit share it about
equally, whatever their number.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Protocol

from tap_smokeball.errors import TimeLimitError

SLOWDOWN = 0.8
"""What is left of the rate after a 429."""

MIN_REQUESTS_PER_SECOND = 0.1
"""The lowest rate after a 429, unless the configured rate is lower."""

RECOVERY_SECONDS = 120.0
"""How long the rate takes from zero to the configured one, if there is no other 429."""

SETTLE_SECONDS = 1.0
"""Requests that were in flight together get their 429 within this time. They count as one."""


class RateLimit(Protocol):
    """Decides when requests may start."""

    @property
    def requests_per_second(self) -> float:
        """The rate at which requests start now."""

    @property
    def is_slowed(self) -> bool:
        """Whether the rate is lower than the configured one, after a 429."""

    def acquire(self, latest: float = math.inf) -> None:
        """Wait until the caller may send one request.

        Args:
            latest: Seconds of the monotonic clock after which no request may start.

        Raises:
            TimeLimitError: The next free time is later.
        """

    def release(self) -> None:
        """End a request that `acquire` permitted."""

    def pause(self, seconds: float) -> None:
        """Let no request start for some seconds, then restart slower with an empty bucket."""

    def close(self) -> None:
        """Stop all that runs in the background."""


class TokenBucket:
    """A token bucket that hands out times to send at (the generic cell rate algorithm).

    A caller reserves the next free time under the lock and sleeps outside of it. So no caller
    delays another, and the rate is met whatever the number of callers.

    Args:
        requests_per_second: Rate at which the bucket refills.
        burst: Burst limit of the app; one or more requests of it stay unused.
    """

    def __init__(self, requests_per_second: float, burst: int) -> None:
        self._full_rate = requests_per_second
        spare = min(1 + burst // 20, burst - 1)
        self._full_tolerance = (burst - spare - 1) / requests_per_second
        self._interval = 1 / requests_per_second
        self._tolerance = self._full_tolerance
        self._lock = threading.Lock()
        self._next = 0.0
        self._pauses = 0
        self._slowed_at = -math.inf
        self._slow_rate = requests_per_second
        self._slow_since: float | None = None

    @property
    def requests_per_second(self) -> float:
        """The rate at which requests start now."""
        return 1 / self._interval

    @property
    def is_slowed(self) -> bool:
        """Whether the rate is lower than the configured one, after a 429."""
        return self._slow_since is not None

    def acquire(self, latest: float = math.inf) -> None:
        """Wait until the caller may send one request.

        Args:
            latest: Seconds of the monotonic clock after which no request may start.

        Raises:
            TimeLimitError: The next free time is later.
        """
        while True:
            with self._lock:
                now = time.monotonic()
                self._recover(now)
                pauses = self._pauses
                self._next = max(self._next, now)
                turn = self._next - self._tolerance
                if turn > latest:
                    raise TimeLimitError
                self._next += self._interval
            while (wait := turn - time.monotonic()) > 0:
                time.sleep(wait)
            if pauses == self._pauses:  # otherwise all who waited would start together
                return

    def take(self) -> float:
        """Use up a token if there is one; otherwise return the seconds until there is."""
        with self._lock:
            now = time.monotonic()
            self._recover(now)
            start = max(self._next, now)
            wait = start - self._tolerance - now
            if wait > 0:
                return wait
            self._next = start + self._interval
            return 0.0

    def release(self) -> None:
        """Do nothing: the number of threads bounds the requests in flight."""

    def close(self) -> None:
        """Do nothing: nothing runs in the background."""

    def pause(self, seconds: float) -> None:
        """Let no request start for some seconds, then restart slower with an empty bucket.

        A 429 means that the API's bucket is empty, whatever the state of this bucket.
        """
        with self._lock:
            now = time.monotonic()
            self._recover(now)
            if now >= self._slowed_at + SETTLE_SECONDS:
                self._slowed_at = now
                least = min(self._full_rate, MIN_REQUESTS_PER_SECOND)
                self._slow_rate = max(self.requests_per_second * SLOWDOWN, least)
                self._interval = 1 / self._slow_rate
                self._tolerance = 0.0
            self._next = self._slow_since = max(self._slow_since or 0.0, now + seconds)
            self._pauses += 1

    def _recover(self, now: float) -> None:
        """Raise the rate by the time since the last 429."""
        if self._slow_since is None:
            return
        share = max(0.0, now - self._slow_since) / RECOVERY_SECONDS
        rate = self._slow_rate + self._full_rate * share**2
        if rate < self._full_rate:
            self._interval = 1 / rate
        else:
            self._slow_since = None
            self._interval, self._tolerance = 1 / self._full_rate, self._full_tolerance
