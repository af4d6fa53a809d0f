"""Caps for each firm: deliveries per minute, and rows in the inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS_PER_MINUTE = 60


class RateCaps:
    """A token bucket for each firm, and a cap on its rows.

    Args:
        max_events_per_minute: Deliveries of one firm in a minute. That many may come at once.
        max_rows: Rows of one firm in the inbox.
    """

    def __init__(self, max_events_per_minute: int, max_rows: int) -> None:
        self._max_events = max_events_per_minute
        self._max_rows = max_rows
        self._buckets: dict[str, tuple[float, float]] = {}
        self._rows: dict[str, int] = {}

    def take(self, firm: str, now: float) -> bool:
        """Return whether a firm that the inbox knows may have another delivery stored.

        Args:
            firm: Name of the firm.
            now: Time of the event loop's clock, in seconds.
        """
        tokens, updated = self._buckets.get(firm, (float(self._max_events), now))
        refilled = tokens + (now - updated) * self._max_events / _SECONDS_PER_MINUTE
        tokens = min(float(self._max_events), refilled)
        is_allowed = tokens >= 1 and self._rows.get(firm, 0) < self._max_rows
        self._buckets[firm] = (tokens - is_allowed, now)
        return is_allowed

    def add_row(self, firm: str) -> None:
        """Count a row until the next `set_rows`."""
        self._rows[firm] = self._rows.get(firm, 0) + 1

    def set_rows(self, rows: Mapping[str, int]) -> None:
        """Set the counts of rows as they are in the inbox."""
        self._rows = dict(rows)
