"""Logs retries: the first of each cause at once, then how many there are, once a minute."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

from tap_smokeball.api import error_policy

if TYPE_CHECKING:
    import logging

    from tap_smokeball.api.retries import RetryableError
    from tap_smokeball.errors import RequestInfo

COUNT_EVERY_SECONDS = 60.0

DOCUMENTED_REQUESTS_PER_SECOND = 5.0
"""The rate limit of an app, by the vendor's documentation."""


class RetryLog:
    """Logs what a person must know about retries, in any number of threads.

    Args:
        logger: Takes the lines.
        requests_per_second: The configured rate.
    """

    def __init__(self, logger: logging.Logger, requests_per_second: float) -> None:
        self._logger = logger
        self._full_rate = requests_per_second
        self._lock = threading.Lock()
        self._known_causes: set[str] = set()
        self._uncounted: Counter[str] = Counter()
        self._counted_at: float | None = None
        self._is_slowed = False

    def add(
        self,
        failure: RetryableError,
        request: RequestInfo,
        *,
        wait_seconds: float,
        rate: float,
        is_noteworthy: bool,
    ) -> None:
        """Log a retry, or count it for the next line.

        Args:
            failure: Why the request is sent again.
            request: The request.
            wait_seconds: Seconds until then.
            rate: Requests per second that the tap sends from now on.
            is_noteworthy: Whether the wait or the number of retries is unusual: logged in any case.
        """
        cause, now = failure.policy.kind, time.monotonic()
        with self._lock:
            is_first = cause not in self._known_causes
            self._known_causes.add(cause)
            self._counted_at = self._counted_at or now
            self._uncounted[cause] += not (is_first or is_noteworthy)
            seconds, counts = now - self._counted_at, Counter[str]()
            if seconds >= COUNT_EVERY_SECONDS and self._uncounted.total():
                counts, self._uncounted = +self._uncounted, Counter()
                self._counted_at = now
        is_rate_limited = failure.policy is error_policy.RATE_LIMITED
        self._is_slowed |= is_rate_limited
        if is_first and is_rate_limited:
            self._logger.warning(
                "%s: %s: pausing for %.0f s, then sending %.1f of %g requests per second. %s",
                request.stream,
                failure,
                failure.wait_seconds,
                rate,
                self._full_rate,
                self._advice,
            )
        elif is_noteworthy:
            self._logger.warning("Retrying in %.0f s: %s: %s", wait_seconds, request, failure)
        elif is_first:
            self._logger.info("Retrying in %.1f s: %s: %s", wait_seconds, request, failure)
        if counts:
            self._log_counts(counts, seconds, rate)

    def note_rate(self, rate: float, *, is_slowed: bool) -> None:
        """Log that the configured rate is reached again after a 429.

        Args:
            rate: Requests per second that the tap sends now.
            is_slowed: Whether that is less than the configured rate.
        """
        if is_slowed or not self._is_slowed:
            return
        with self._lock:
            was_slowed, self._is_slowed = self._is_slowed, False
        if was_slowed:
            self._logger.info("Rate limit: sending %.1f requests per second again", rate)

    def _log_counts(self, counts: Counter[str], seconds: float, rate: float) -> None:
        causes = ", ".join(f"{count:,} after {cause}" for cause, count in sorted(counts.items()))
        if error_policy.RATE_LIMITED.kind in counts:
            self._logger.warning(
                "Retries in the last %.0f s: %s. Sending %.1f of %g requests per second. %s",
                seconds,
                causes,
                rate,
                self._full_rate,
                self._advice,
            )
        else:
            self._logger.info("Retries in the last %.0f s: %s", seconds, causes)

    @property
    def _advice(self) -> str:
        """Why there are 429s; the documented rate alone causes none."""
        if self._full_rate > DOCUMENTED_REQUESTS_PER_SECOND:
            return (
                "Another process may use the app's rate limit, or requests_per_second is higher "
                "than it"
            )
        return "Another process may use the app's rate limit"
