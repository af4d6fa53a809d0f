"""The two clocks: the server's, from the ``Date`` of its responses, and this machine's.

Either can be wrong, and a bookmark that is too late loses rows. So a read counts from the earlier
of both. Smokeball has many servers, and one of them can be wrong: a single ``Date`` that disagrees
with the others changes nothing.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

_REMEMBERED_RESPONSES = 9
_SECONDS_PER_MINUTE = 60
_HALF_SECOND = dotnet_ticks.PER_SECOND // 2


class ServerClock:
    """Compares the clocks at each response; safe to use from any thread.

    Args:
        max_difference_ticks: Difference of the clocks that needs no warning.
        logger: Takes warnings.

    Attributes:
        is_known: Whether all responses so far had a ``Date`` header.
    """

    def __init__(self, max_difference_ticks: int, logger: logging.Logger) -> None:
        self.is_known = True
        self._max_difference_ticks = max_difference_ticks
        self._logger = logger
        self._lock = threading.Lock()
        self._anchor = dotnet_ticks.now(), time.monotonic()
        # Ticks by which the server's clock is ahead, at least: one for each of the last responses.
        self._leads: deque[int] = deque(maxlen=_REMEMBERED_RESPONSES)
        self._has_warned = False

    def now(self) -> int:
        """Return this machine's clock in ticks, the earlier one if it was set during the run."""
        start, started_at = self._anchor
        elapsed = round((time.monotonic() - started_at) * dotnet_ticks.PER_SECOND)
        return min(dotnet_ticks.now(), start + elapsed)

    @property
    def lead(self) -> int | None:
        """Ticks by which the server's clock is about ahead; None before the first response."""
        with self._lock:
            # The header is cut to whole seconds, half a second on average.
            return _low_median(self._leads) + _HALF_SECOND if self._leads else None

    def latest(self) -> int:
        """Return the later of both clocks in ticks: no time of the past lies behind it."""
        return dotnet_ticks.now() + max(0, (self.lead or 0) + _HALF_SECOND)

    def earlier_of_both(self, time: int) -> int:
        """Return a time of this machine's clock (`now`), by the earlier of both clocks in ticks."""
        with self._lock:
            lead = _low_median(self._leads) if self._leads else 0
        return max(0, time + min(0, lead))

    def time_of(self, headers: Mapping[str, str], sent_at: int) -> int:
        """Return the earlier of both clocks in ticks, when the request of a response was sent.

        Args:
            headers: The headers of the response.
            sent_at: `now` when the request was sent.
        """
        took = self.now() - sent_at + 1
        try:
            lead = dotnet_ticks.from_http_date(headers["Date"]) - took - sent_at
        except (KeyError, OverflowError, TypeError, ValueError):
            if self.is_known:
                self.is_known = False
                self._logger.warning(
                    "The API sends no Date header: bookmarks use this machine's clock, which must "
                    "not be ahead by more than lookback_seconds",
                )
            return sent_at
        with self._lock:
            self._leads.append(lead)
            lead = _low_median(self._leads)
            self._warn(lead, took)
        return max(0, sent_at + min(0, lead))

    def _warn(self, lead: int, took: int) -> None:
        lag = -(lead + took + dotnet_ticks.PER_SECOND)  # the header is cut to whole seconds
        difference = max(lead, lag)
        if self._has_warned or difference <= self._max_difference_ticks:
            return
        self._has_warned = True
        minutes = difference / dotnet_ticks.PER_SECOND / _SECONDS_PER_MINUTE
        self._logger.warning(
            "This machine's clock is %s Smokeball's by %.1f minutes: bookmarks use the earlier "
            "one. Set this machine's clock, or report it to Smokeball",
            "behind" if lead > 0 else "ahead of",
            minutes,
        )


def _low_median(leads: deque[int]) -> int:
    return sorted(leads)[(len(leads) - 1) // 2]
