"""The app's rate limit: one token bucket for the whole process.

Smokeball allows an app 5 requests per second with a burst of 5, and rejects further requests with
429 (docs/smokeball.md). The API counts requests when they arrive. Two requests that are sent apart
can arrive together. A small part of the burst is never used: it absorbs that jitter.
"""

from __future__ import annotations

import threading
import time


class TokenBucket:
    """A token bucket that hands out times to send at (the generic cell rate algorithm).

    A caller reserves the next free time under the lock and sleeps outside of it. So no caller
    delays another, and the rate is met whatever the number of callers.

    Args:
        requests_per_second: Rate at which the bucket refills.
        burst: Burst limit of the app; one or more requests of it stay unused.
    """

    def __init__(self, requests_per_second: float, burst: int) -> None:
        self._interval = 1 / requests_per_second
        spare = min(1 + burst // 20, burst - 1)
        self._tolerance = (burst - spare - 1) * self._interval
        self._lock = threading.Lock()
        self._next = 0.0
        self._paused_until = 0.0

    def acquire(self) -> None:
        """Wait until the caller may send one request."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now)
            turn = self._next - self._tolerance
            self._next += self._interval
        while (wait := max(turn, self._paused_until) - time.monotonic()) > 0:
            time.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Let no request start for some seconds, then restart with an empty bucket.

        A 429 means that the API's bucket is empty, whatever the state of this bucket.
        """
        with self._lock:
            until = time.monotonic() + seconds
            self._paused_until = max(self._paused_until, until)
            self._next = max(self._next, until + self._tolerance)
