"""The errors that the tap expects.

::

    SmokeballError                  base of all
    ├── ApiConnectionError          no usable response after all retries
    │   └── UnconfirmedChangeError  a change may have been made, or not
    ├── TimeLimitError              the run's time limit is reached
    ├── ListTimeError               the lists take longer than the time limit, in run after run
    ├── ResponseTooLargeError       a response is larger than what may be read
    ├── AuthenticationError         no access token, or the API rejects it
    ├── RequestRejectedError        the API rejected one request
    │   ├── AccessDeniedError       403: a scope, the API key or a permission is missing
    │   └── NotFoundError           404: the record or its parent does not exist
    ├── UnexpectedResponseError     a response that the API is not known to send
    │   └── PaginationError         pages that cannot be joined without a gap
    ├── StreamCrashError            a stream failed in a way that nobody thought of
    ├── ParentListError             the parent stream of a child stream failed
    ├── UnreadParentsError          some parents of a child stream could not be read
    ├── StateOfOtherFirmError       the state is not that of the firm that the credentials open
    ├── RateLimitStoreError         rate_limit_store names no store, or its package is missing
    ├── StreamMapError              an expression in stream_maps fails
    ├── BatchStorageError           the storage that batch_config names cannot be used
    ├── InboxError                  the webhook inbox cannot be used
    ├── DocumentStorageError        the storage of documents cannot be used
    ├── ProbeBudgetError            the probe may send no more requests
    ├── ProbeReportError            the probe's report cannot be read or written
    └── StreamsFailedError          some streams failed; the others are complete

The text of an error is derived from its fields. It says what failed and why, then what to do. It
never holds a body, a query string, a token or the value of a setting: logs outlive permissions.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override


@dataclass(frozen=True)
class RequestInfo:
    """The request that an error is about, without anything confidential.

    Attributes:
        stream: Name of the stream that the request is for.
        path: Path template, as ``/matters/{matterId}/fees``.
        request_id: Value of the ``RequestId`` header, for Smokeball's support.
        method: HTTP method.
    """

    stream: str
    path: str
    request_id: str | None = None
    method: str = "GET"

    @override
    def __str__(self) -> str:
        identified = f", request id {self.request_id}" if self.request_id else ""
        return f"{self.stream} ({self.method} {self.path}{identified})"


class SmokeballError(Exception):
    """Base of every error that the tap expects.

    Args:
        reason: What failed and why, without confidential data and without a final period.
        advice: What to do, in the imperative, without a final period.
        status: HTTP status, if a response came.
        request: The request that failed, if one did.
        is_shared: Whether the cause concerns all requests alike, not one record: no connection, no
            access token, the rate limit.

    Attributes:
        is_permanent: Whether no retry can succeed until a person has done something.
    """

    is_permanent: ClassVar[bool] = False

    def __init__(
        self,
        reason: str,
        advice: str = "",
        *,
        status: int | None = None,
        request: RequestInfo | None = None,
        is_shared: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
        self.status = status
        self.request = request
        self.is_shared = is_shared

    @property
    def kind(self) -> tuple[type[SmokeballError], int | None]:
        """What two errors with the same cause have in common."""
        return type(self), self.status

    @property
    def stream(self) -> str | None:
        """Name of the stream whose request failed."""
        return self.request.stream if self.request else None

    @property
    def path(self) -> str | None:
        """Path template of the request that failed."""
        return self.request.path if self.request else None

    @property
    def request_id(self) -> str | None:
        """Id of the request that failed."""
        return self.request.request_id if self.request else None

    @property
    def summary(self) -> str:
        """What failed, in a few words: for a cell of a table."""
        return f"{self.status} {self.reason}" if self.status else self.reason

    @override
    def __str__(self) -> str:
        where = " ".join(str(part) for part in (self.status, self.request) if part)
        text = f"{where}: {self.reason}" if where else self.reason
        return f"{text}. {self.advice}." if self.advice else text


class ApiConnectionError(SmokeballError):
    """No usable response came after all retries."""


class UnconfirmedChangeError(ApiConnectionError):
    """No usable response came to a change that must not be sent twice."""


class TimeLimitError(SmokeballError):
    """The run's time limit ends the work at hand; the next run resumes it.

    Args:
        failure: Why the request was to be retried, if it had failed before.
        request: The request.
        is_single: Whether that may concern this request alone.
    """

    def __init__(
        self, failure: str = "", *, request: RequestInfo | None = None, is_single: bool = False
    ) -> None:
        self.is_single = is_single
        super().__init__(
            f"time limit reached before a retry: {failure}" if failure else "time limit reached",
            "Increase max_run_minutes if no run gets further",
            request=request,
            is_shared=True,
        )


class ListTimeError(SmokeballError):
    """The lists of a firm take longer than the time limit: no run gets further.

    Args:
        reason: What failed.
        needed: How long a run needs for the lists, in words; empty if that is not known.
        minutes: A time limit that is long enough; 0 if that is not known.
    """

    def __init__(self, reason: str, needed: str, minutes: int) -> None:
        self.minutes = minutes
        super().__init__(
            f"{reason}, and no list can be resumed",
            f"The lists need about {needed}. Set max_run_minutes to at least {minutes}"
            if minutes
            else "Increase max_run_minutes, or look in the log for what delays the requests",
        )


class ResponseTooLargeError(SmokeballError):
    """A response is larger than what may be read."""


class AuthenticationError(SmokeballError):
    """No access token could be obtained, or the API does not accept it."""

    is_permanent = True


class RequestRejectedError(SmokeballError):
    """The API rejected a request, and a retry would not change that."""


class AccessDeniedError(RequestRejectedError):
    """The app, the API key or the user lacks a permission (403)."""

    is_permanent = True


class NotFoundError(RequestRejectedError):
    """The record does not exist, or no longer exists (404)."""


class UnexpectedResponseError(SmokeballError):
    """The API sent a response that it is not known to send."""


class PaginationError(UnexpectedResponseError):
    """The pages of a list cannot be joined without the risk of a gap."""


class StreamCrashError(SmokeballError):
    """A stream failed in a way that nobody thought of; the others continue."""

    @classmethod
    def of(cls, error: Exception, request: RequestInfo) -> StreamCrashError:
        """Return the error for another one, without its text, which may quote data."""
        return cls(
            summarize_bug(error),
            "Report this line as a bug of the tap; the other streams are not affected",
            request=request,
        )


class ParentListError(SmokeballError):
    """The parent stream failed, so its child streams cannot be read.

    Args:
        parent: Name of the parent stream.
    """

    def __init__(self, parent: str) -> None:
        self.parent = parent
        super().__init__(f"{parent} could not be listed")


class UnreadParentsError(SmokeballError):
    """Some parents of a child stream could not be read; the others are complete."""


class StateOfOtherFirmError(SmokeballError):
    """The state is not that of the firm that the credentials open: nothing is read or written."""

    is_permanent = True


class RateLimitStoreError(SmokeballError):
    """The store of the rate limit cannot be opened as the settings name it."""

    is_permanent = True


class StreamMapError(SmokeballError):
    """An expression of a stream map fails on a record."""

    is_permanent = True


class BatchStorageError(SmokeballError):
    """The storage for batches cannot be used."""


class InboxError(SmokeballError):
    """The webhook inbox cannot be used."""


class DocumentStorageError(SmokeballError):
    """The storage that ``documents_url`` names cannot be used."""


class ProbeBudgetError(SmokeballError):
    """The probe may send no more requests."""


class ProbeReportError(SmokeballError):
    """The file with the probe's report cannot be read or written."""


class StreamsFailedError(SmokeballError):
    """At least one stream failed; its bookmark did not move and the others finished."""


PARENT_DENIALS = (AccessDeniedError, NotFoundError)
"""Errors of a single parent that are ordinary in a law firm: it is restricted, or was deleted."""


def summarize_bug(error: BaseException) -> str:
    """Return the type and the place of an unexpected error, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"unexpected {type(error).__name__}{place}"


def os_error_message(error: ImportError | OSError) -> str:
    """Return the message of the system, without the path or URL that it is about."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)
