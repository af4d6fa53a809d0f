"""The rate limit of a client: a token bucket and a cap on requests in flight."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smokeball_sandbox.settings import Settings


class RateLimiter:
    """Decides which requests of each client exceed the rate limit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._buckets: dict[str, tuple[float, float]] = {}
        self._in_flight: dict[str, int] = {}

    def acquire(self, client: str) -> bool:
        """Take one token from a client's bucket; return False if the limit is reached."""
        rate, burst = self._settings.rate, max(1, self._settings.burst)
        in_flight = self._in_flight.get(client, 0)
        if rate > 0:
            now = time.monotonic()
            tokens, then = self._buckets.get(client, (float(burst), now))
            refill = (now - then) * (rate - self._settings.foreign_rate)
            tokens = max(0.0, min(float(burst), tokens + refill))
            if tokens < 1 or in_flight >= burst:
                self._buckets[client] = (tokens, now)
                return False
            self._buckets[client] = (tokens - 1, now)
        self._in_flight[client] = in_flight + 1
        return True

    def release(self, client: str) -> None:
        """End a request that `acquire` admitted."""
        self._in_flight[client] -= 1

    def refill(self) -> None:
        """Fill all buckets, after a change of the rate limit."""
        self._buckets.clear()
