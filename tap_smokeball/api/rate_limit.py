"""The app's allowance: one token bucket for the whole process.

Smokeball gives an app 5 requests a second and a burst of 5, and answers 429 beyond
(docs/smokeball.md). Time is requests, so the bucket is drained to the last token; yet the API
counts requests when they arrive, not when they leave, and two that leave apart can arrive together.
A small part of the burst is therefore never spent: it absorbs that jitter.
"""

from __future__ import annotations

import threading
import time


class TokenBucket:
    """A token bucket that hands out moments to send at (the generic cell rate algorithm).

    A caller reserves the next free moment under the lock and then sleeps outside of it, so that
    no sleeper is late because of another, and the rate is met however many wait.
    """

    def __init__(self, rate: float, burst: int) -> None:
        """Create a full bucket.

        Args:
            rate: Requests a second.
            burst: Requests that may leave at once after a rest.
        """
        self._interval = 1 / rate
        spare = min(1 + burst // 20, burst - 1)
        self._tolerance = (burst - spare - 1) * self._interval
        self._lock = threading.Lock()
        self._next = 0.0
        self._paused_until = 0.0

    def acquire(self) -> None:
        """Wait for the caller's turn to send one request."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now)
            turn = self._next - self._tolerance
            self._next += self._interval
        while (wait := max(turn, self._paused_until) - time.monotonic()) > 0:
            time.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Let nobody send for a while, and begin again with an empty bucket.

        Called on a 429: the API's bucket is empty, whatever ours says.
        """
        with self._lock:
            until = time.monotonic() + seconds
            self._paused_until = max(self._paused_until, until)
            self._next = max(self._next, until + self._tolerance)
