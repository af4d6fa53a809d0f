"""Requests that change something, and what may not be sent twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tap_smokeball.api import error_policy
from tap_smokeball.api.retries import RetryableError
from tap_smokeball.errors import UnconfirmedChangeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_smokeball.api.error_policy import ErrorPolicy
    from tap_smokeball.errors import RequestInfo

T = TypeVar("T")

_CHANGED = {200, 201, 202, 204}


@dataclass(frozen=True)
class Change:
    """A request that changes something.

    Attributes:
        method: HTTP method.
        content: JSON to send, if any.
        is_repeatable: Whether sending it twice does the same as once.
        returns_data: Whether the body of its response is read.
    """

    method: str
    content: str | None = None
    is_repeatable: bool = True
    returns_data: bool = False

    def policy(self, status: int) -> ErrorPolicy:
        """Return the policy for a status of its response."""
        if status in _CHANGED:
            return error_policy.OK if self.returns_data else error_policy.NO_CONTENT
        return error_policy.for_status(status)


def try_once(attempt: Callable[[], T], request: RequestInfo) -> T:
    """Call ``attempt`` for a change that must not be sent twice.

    Raises:
        RetryableError: The rate limit rejected the request, so that it was not carried out.
        UnconfirmedChangeError: It may have been carried out.
    """
    try:
        return attempt()
    except RetryableError as failure:
        if failure.policy is error_policy.RATE_LIMITED:
            raise
        raise UnconfirmedChangeError(
            f"{failure}; the change may have been made or not",
            failure.policy.advice,
            request=request,
        ) from None
