"""When a failed request is sent again, and what it means if it is not."""

from __future__ import annotations

import math
import random
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from tap_smokeball.api.error_policy import Action
from tap_smokeball.errors import ApiConnectionError, TimeLimitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_smokeball.api.error_policy import ErrorPolicy
    from tap_smokeball.errors import RequestInfo, SmokeballError

FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 60.0
MAX_RATE_LIMIT_BACKOFF_SECONDS = 8.0

DEFAULT_PAUSE_SECONDS = 1.0
"""Pause of all requests after a 429 without ``Retry-After``."""

MAX_WAIT_SECONDS = 300.0
"""A longer ``Retry-After`` is tried again after this time: a wrong one must not end a run."""

MAX_RETRY_AFTER_SECONDS = 86_400.0
"""A longer ``Retry-After`` is taken for a mistake, and ignored."""

MAX_STALL_SECONDS = 3600.0
"""How long a run without a time limit waits for the rate limit without any other response."""

NOTEWORTHY_WAIT_SECONDS = 10.0
USUAL_RETRIES = 2
"""Retries of one request that are normal, and so not logged as warnings."""


class RetryableError(Exception):
    """A failure that a retry may fix; internal to `tap_smokeball.api` and the sign-in.

    Args:
        reason: What failed, without anything confidential.
        policy: The row of the error policy that applies if no retry helps.
        wait_seconds: How long to wait, where the server said so; otherwise the waits grow.
        is_reachable: Whether a server answered at all.
    """

    def __init__(
        self,
        reason: str,
        policy: ErrorPolicy,
        wait_seconds: float | None = None,
        *,
        is_reachable: bool = True,
    ) -> None:
        super().__init__(reason)
        self.policy = policy
        self.wait_seconds = wait_seconds
        self.is_reachable = is_reachable


class RequestAttempts:
    """The failed attempts of one request, and whether there is another one.

    Args:
        request: Names the request in errors.

    Attributes:
        wait_seconds: How long to wait before the next attempt.
        is_noteworthy: Whether the wait or the number of retries is unusual.
        is_alone: Whether other requests succeeded since the first attempt failed.
    """

    def __init__(self, request: RequestInfo) -> None:
        self.wait_seconds = 0.0
        self.is_noteworthy = self.is_alone = False
        self._request = request
        self._began_at = time.monotonic()
        self._attempts = self._failures = 0
        self._first_failed_at = 0.0

    def add(
        self, failure: RetryableError, *, run_ends_at: float, last_success: float, max_retries: int
    ) -> SmokeballError | None:
        """Count a failed attempt; return the error to raise unless there is another attempt.

        Waiting for the rate limit (429) is no failure, and uses up no retries.

        Args:
            failure: Why the attempt failed.
            run_ends_at: The end of the run in seconds of the monotonic clock.
            last_success: The time of the last request that succeeded.
            max_retries: Most retries after failures.
        """
        now = time.monotonic()
        self._attempts += 1
        if self._attempts == 1:
            self._first_failed_at = now
        self.is_alone = last_success > self._first_failed_at
        is_rate_limited = failure.policy.action is Action.WAIT
        self._failures += not is_rate_limited
        wait = _retry_delay(failure, self._attempts if is_rate_limited else self._failures)
        if now + wait > run_ends_at and not is_rate_limited:
            wait = _with_jitter(_backoff(self._failures, MAX_BACKOFF_SECONDS))
        self.wait_seconds = wait
        is_unusual = self._failures > USUAL_RETRIES or wait > NOTEWORTHY_WAIT_SECONDS
        self.is_noteworthy = is_unusual and not is_rate_limited
        if is_rate_limited:
            stalled_since = max(self._began_at, last_success)
            is_final = run_ends_at == math.inf and now + wait - stalled_since > MAX_STALL_SECONDS
        else:  # a request that the end of the run cut short says nothing about the server
            is_final = self._failures > max_retries and now < run_ends_at
        if is_final:
            times = "once" if self._attempts == 1 else f"{self._attempts} times"
            return ApiConnectionError(
                f"{failure}, tried {times}",
                failure.policy.advice,
                request=self._request,
                is_shared=failure.policy.is_shared and not self.is_alone,
            )
        if now + wait > run_ends_at:
            is_single = not failure.policy.is_shared
            return TimeLimitError(str(failure), request=self._request, is_single=is_single)
        return None


def _retry_delay(failure: RetryableError, attempts: int) -> float:
    if failure.policy.action is Action.WAIT:  # the rate limit spaces these retries as well
        backoff = _with_jitter(_backoff(attempts, MAX_RATE_LIMIT_BACKOFF_SECONDS))
        return max(backoff, failure.wait_seconds or 0.0)
    if failure.wait_seconds is not None:
        return failure.wait_seconds
    return _with_jitter(_backoff(attempts, MAX_BACKOFF_SECONDS))


def _backoff(attempts: int, longest: float) -> float:
    return min(FIRST_BACKOFF_SECONDS * 2.0 ** min(attempts - 1, 10), longest)


def _with_jitter(seconds: float) -> float:
    """Return between half of a delay and all of it, so that clients do not retry in step."""
    return random.uniform(seconds / 2, seconds)  # noqa: S311 - spreads load, hides nothing


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait by ``Retry-After``, a number or a date, else None."""
    text = headers.get("Retry-After", "").strip()
    try:
        if text.isascii() and text.isdigit():
            seconds = float(text)
        else:
            seconds = max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
    return min(seconds, MAX_WAIT_SECONDS) if seconds <= MAX_RETRY_AFTER_SECONDS else None
