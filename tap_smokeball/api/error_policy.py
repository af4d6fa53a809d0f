"""One table: the action, the cause and the advice for each kind of failed request.

`ApiClient` and `Transport` act on it, and ``docs/errors.md`` is generated from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tap_smokeball.errors import (
    AccessDeniedError,
    ApiConnectionError,
    AuthenticationError,
    NotFoundError,
    RequestRejectedError,
    SmokeballError,
)


class Action(Enum):
    """The actions, in the words of the documentation."""

    ACCEPT = "reads the response"
    EMPTY = "reads it as an empty list"
    FAIL = "fails the stream; a single parent is skipped, retried in each run, and fails the run"
    DENY = "fails the stream; a single parent is skipped with a warning, and retried in each run"
    REFRESH_TOKEN = "requests one new token for all workers, then fails the stream"  # noqa: S105
    WAIT = "waits as long as `Retry-After` says, then retries"
    RETRY = "retries after growing waits, up to `max_retries` times"


@dataclass(frozen=True)
class ErrorPolicy:
    """One row of the table.

    Attributes:
        kind: HTTP status, range of statuses, or kind of failure.
        cause: Why it happens.
        action: The tap's action.
        error: The error that a stream fails with if nothing helps.
        reason: The words of that error; `{status}` and `{seconds}` are filled in.
        advice: Instruction for the user; `{scope}` stands for the OAuth scope of the endpoint.
        is_shared: Whether the cause concerns all requests alike, not one record.
    """

    kind: str
    cause: str
    action: Action
    error: type[SmokeballError]
    reason: str
    advice: str
    is_shared: bool = False


OK = ErrorPolicy("200", "success", Action.ACCEPT, SmokeballError, "", "")
NO_CONTENT = ErrorPolicy("204", "there are no rows", Action.EMPTY, SmokeballError, "", "")

UNAUTHORIZED = ErrorPolicy(
    "401",
    "the access token is expired or revoked",
    Action.REFRESH_TOKEN,
    AuthenticationError,
    "the API rejects a new access token",
    "Check that api_key, region and environment belong to the app that client_id names",
    is_shared=True,
)
FORBIDDEN = ErrorPolicy(
    "403",
    "a scope, the API key or a permission is missing",
    Action.DENY,
    AccessDeniedError,
    "access denied",
    "Grant the app the scope {scope} and sign in again, check api_key, or deselect the stream",
)
NOT_FOUND = ErrorPolicy(
    "404",
    "the record was deleted, or the path is wrong",
    Action.DENY,
    NotFoundError,
    "there is no such record",
    "For a list, check api_url and account_id",
)
REJECTED = ErrorPolicy(
    "other",
    "400 or any status that is not listed: the request is wrong, or `api_url` is",
    Action.FAIL,
    RequestRejectedError,
    "the API rejects the request",
    "Check the settings; if they are right, report the request id to Smokeball",
)
RATE_LIMITED = ErrorPolicy(
    "429",
    "the app's rate limit is used up, by this process or by another one",
    Action.WAIT,
    ApiConnectionError,
    "429 Too Many Requests",
    "Give each process of the app its share with requests_per_second, then run again",
    is_shared=True,
)
SERVER_ERROR = ErrorPolicy(
    "5xx",
    "a fault at Smokeball",
    Action.RETRY,
    ApiConnectionError,
    "{status} from the server",
    "Check status.smokeball.com, then run again: the run resumes",
)
TIMEOUT = ErrorPolicy(
    "timeout",
    "no response within `request_timeout_seconds`",
    Action.RETRY,
    ApiConnectionError,
    "no response within {seconds:g} s",
    "Check the network and status.smokeball.com, or increase request_timeout_seconds; then run "
    "again",
)
NO_RESPONSE = ErrorPolicy(
    "no connection",
    "connection refused or reset, an unknown host, a proxy",
    Action.RETRY,
    ApiConnectionError,
    "no connection",
    "Check the network, api_url and auth_url, and status.smokeball.com; then run again",
    is_shared=True,
)
INVALID_BODY = ErrorPolicy(
    "invalid body",
    "status 200, but the body is incomplete, is not JSON, or lacks what the path promises",
    Action.RETRY,
    ApiConnectionError,
    "the response has an unexpected body",
    "Run again; if the same path fails each time, report the request id to Smokeball",
)
CERTIFICATE = ErrorPolicy(
    "certificate",
    "the server's certificate is not trusted",
    Action.FAIL,
    ApiConnectionError,
    "the server's certificate is not trusted",
    "Behind a proxy that inspects traffic, name its certificate authority in REQUESTS_CA_BUNDLE; "
    "otherwise check api_url and auth_url",
    is_shared=True,
)

TABLE = (
    NO_CONTENT,
    REJECTED,
    UNAUTHORIZED,
    FORBIDDEN,
    NOT_FOUND,
    RATE_LIMITED,
    SERVER_ERROR,
    TIMEOUT,
    NO_RESPONSE,
    INVALID_BODY,
    CERTIFICATE,
)
"""All policies but the one for success, in the order of the documentation."""

_BY_STATUS = {
    200: OK,
    204: NO_CONTENT,
    401: UNAUTHORIZED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    429: RATE_LIMITED,
}
_FIRST_SERVER_ERROR = 500


def for_status(status: int) -> ErrorPolicy:
    """Return the policy for an HTTP status."""
    if status >= _FIRST_SERVER_ERROR:
        return SERVER_ERROR
    return _BY_STATUS.get(status, REJECTED)
