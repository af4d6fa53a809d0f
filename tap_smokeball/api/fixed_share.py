"""The share of a process in the app's rate limit, while their store cannot be reached."""

from __future__ import annotations

import math
import time

from tap_smokeball.api.rate_limit import TokenBucket

ASSUMED_PROCESSES = 10
"""Processes of the app if the store could never be asked."""


class FixedShare:
    """A part of the app's rate without a burst, so that all processes together stay below it.

    Args:
        requests_per_second: Rate of the app.
        burst: Burst limit of the app.
        configured: Requests per second of this process, if the settings say so.

    Attributes:
        processes: Processes of the app that the store counted last.
        next_at: When the next request may start, in seconds of the monotonic clock.
    """

    def __init__(self, requests_per_second: float, burst: int, configured: float | None) -> None:
        self.processes = ASSUMED_PROCESSES
        self.next_at = -math.inf
        self._rate = requests_per_second
        self._burst = burst
        self._configured = configured
        self._bucket = TokenBucket(requests_per_second, 1)

    @property
    def requests_per_second(self) -> float:
        """The rate of this process."""
        return self._bucket.requests_per_second

    def start(self) -> None:
        """Begin to use the share; the first request waits like the others."""
        share = self._configured or self._rate / self.processes
        self._bucket = TokenBucket(min(share, self._rate), 1)
        self._bucket.take()
        self.next_at = time.monotonic() + 1 / self.requests_per_second

    def take(self, in_flight: int) -> bool:
        """Use up one request, if one may start now.

        Args:
            in_flight: Requests of this process that have no response yet.
        """
        if in_flight >= max(1, int(self._burst * self.requests_per_second / self._rate)):
            return False
        wait = self._bucket.take()
        self.next_at = time.monotonic() + wait
        return wait == 0

    def pause(self, seconds: float) -> None:
        """Let no request start for some seconds, then restart slower."""
        self._bucket.pause(seconds)
        self.next_at = max(self.next_at, time.monotonic() + seconds)
