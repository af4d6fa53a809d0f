"""The allowance of one client: a token bucket, and a cap on requests in flight."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smokeball_sandbox.settings import Settings


class Limiter:
    """Decides which requests of which client are one too many."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._buckets: dict[str, tuple[float, float]] = {}
        self._in_flight: dict[str, int] = {}

    def enter(self, client: str) -> bool:
        """Take one request of a client's allowance; false if there is none left."""
        rate, burst = self._settings.rate, max(1, self._settings.burst)
        flying = self._in_flight.get(client, 0)
        if rate > 0:
            now = time.monotonic()
            tokens, then = self._buckets.get(client, (float(burst), now))
            tokens = min(float(burst), tokens + (now - then) * rate)
            if tokens < 1 or flying >= burst:
                self._buckets[client] = (tokens, now)
                return False
            self._buckets[client] = (tokens - 1, now)
        self._in_flight[client] = flying + 1
        return True

    def leave(self, client: str) -> None:
        """A request that was let in is answered."""
        self._in_flight[client] -= 1

    def refill(self) -> None:
        """Start again with full buckets, after a change of the allowance."""
        self._buckets.clear()
