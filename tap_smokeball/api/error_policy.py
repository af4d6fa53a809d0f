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
    ResponseTooLargeError,
    SmokeballError,
)


class Action(Enum):
    """The actions, in the words of the documentation."""

    ACCEPT = "reads the response"
    EMPTY = "reads it as an empty list"
    FAIL = "fails the stream; a single parent is skipped, retried in each run, and fails the run"
    DENY = "fails the stream; a single parent is skipped with a warning, and retried in each run"
    REFRESH_TOKEN = "requests one new token for all workers, then fails the stream"  # noqa: S105
    WAIT = "waits, slows down, and retries as long as the run has time"
    RETRY = "retries after growing waits, up to `max_retries` times"
    SHRINK = "requests smaller pages; what stays too large fails like other statuses"
    STOP = "fails at once, without retries"


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
    "the access token is expired or revoked, a scope or a permission is missing, or `account_id` "
    "or `user_id` is wrong",
    Action.REFRESH_TOKEN,
    AuthenticationError,
    "the API rejects a new access token",
    "Check that api_key, region and environment belong to the app that client_id names, that "
    "account_id and user_id are right, and that the app and the user have the scopes and "
    "permissions; after a change, sign in again",
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
FORBIDDEN_EVERYWHERE = ErrorPolicy(
    "403 for all",
    "the API key or the address is wrong: no stream could be read",
    Action.STOP,
    AccessDeniedError,
    "access denied to every stream",
    "Check api_key (it is not the client secret), api_url, region, environment and account_id; if "
    "they are right, grant the app the scopes of the streams and sign in again",
    is_shared=True,
)
FORBIDDEN_BY_PATH = ErrorPolicy(
    "403 for all, path",
    "`api_url` has a path, such as `/v1`, and no stream could be read",
    Action.STOP,
    AccessDeniedError,
    "access denied to every stream, and api_url has a path, which Smokeball's hosts have not",
    "Remove the path from api_url, unless a proxy needs it; then check api_key, region, "
    "environment and account_id",
    is_shared=True,
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
REDIRECT = ErrorPolicy(
    "301, 302, …",
    "the API or the login has moved, or a proxy answers in its place",
    Action.FAIL,
    RequestRejectedError,
    "redirected to {address}; no key and no token was sent there",
    "If you trust that address, set api_url or auth_url to it",
)
PROXY_LOGIN = ErrorPolicy(
    "407",
    "the proxy rejects its user name or password, or has none",
    Action.STOP,
    ApiConnectionError,
    "the proxy rejects its user name or password",
    "Correct them in HTTPS_PROXY or HTTP_PROXY; special characters must be percent-encoded",
    is_shared=True,
)
RATE_LIMITED = ErrorPolicy(
    "429",
    "the app's rate limit is used up, by this process or by another one",
    Action.WAIT,
    ApiConnectionError,
    "429 Too Many Requests",
    "Stop other programs of the same app, or give each its share with requests_per_second; then "
    "run again",
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
    "no data within `request_timeout_seconds`, or no complete response within "
    "`max_request_seconds`",
    Action.RETRY,
    ApiConnectionError,
    "no response within {seconds:g} s",
    "Check the network and status.smokeball.com, or increase request_timeout_seconds and "
    "max_request_seconds; then run again",
)
NO_RESPONSE = ErrorPolicy(
    "no connection",
    "connection refused or reset, an unknown host, a proxy that is down",
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
TOO_LARGE = ErrorPolicy(
    "too large",
    "the response has more than `max_response_mb`, unpacked",
    Action.SHRINK,
    ResponseTooLargeError,
    "the response is larger than {megabytes:g} MB",
    "Increase max_response_mb; if the record is not that large, report the request id to Smokeball",
)
TLS_BROKEN = ErrorPolicy(
    "TLS error",
    "the TLS connection broke, or could not be opened",
    Action.RETRY,
    ApiConnectionError,
    "the TLS connection broke",
    "Check the network and any proxy that inspects traffic; then run again",
)
CERTIFICATE = ErrorPolicy(
    "certificate",
    "the server's certificate is not trusted",
    Action.STOP,
    ApiConnectionError,
    "the server's certificate is not trusted",
    "Behind a proxy that inspects traffic, name its certificate authority in REQUESTS_CA_BUNDLE; "
    "otherwise check api_url and auth_url",
    is_shared=True,
)

NOT_TLS = ErrorPolicy(
    "no TLS",
    "the port does not speak TLS",
    Action.STOP,
    ApiConnectionError,
    "the server does not speak TLS on this port",
    "Check the port of api_url and auth_url, and whether HTTPS_PROXY must begin with http://",
    is_shared=True,
)
PROXY_DENIAL = ErrorPolicy(
    "proxy",
    "the proxy refuses to open a connection",
    Action.RETRY,
    ApiConnectionError,
    "the proxy refuses the connection with {status}",
    "Ask the proxy's administrator to permit the hosts of api_url and auth_url",
    is_shared=True,
)
PROXY_SETTING = ErrorPolicy(
    "proxy setting",
    "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is not the URL of a proxy",
    Action.STOP,
    ApiConnectionError,
    "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is not the URL of a proxy",
    "Set it to a URL such as http://proxy.example:3128, or unset it",
    is_shared=True,
)
SOCKS_PROXY = ErrorPolicy(
    "SOCKS proxy",
    "a proxy variable names a SOCKS proxy, and the package PySocks is missing",
    Action.STOP,
    ApiConnectionError,
    "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names a SOCKS proxy, which needs the package PySocks",
    "Install PySocks beside the tap, or name an HTTP proxy",
    is_shared=True,
)
CA_BUNDLE = ErrorPolicy(
    "CA bundle",
    "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names no file with certificates",
    Action.STOP,
    ApiConnectionError,
    "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names no file with certificates",
    "Set it to a file of certificates in PEM format, or unset it",
    is_shared=True,
)

TABLE = (
    NO_CONTENT,
    REDIRECT,
    REJECTED,
    UNAUTHORIZED,
    FORBIDDEN,
    FORBIDDEN_EVERYWHERE,
    FORBIDDEN_BY_PATH,
    NOT_FOUND,
    PROXY_LOGIN,
    RATE_LIMITED,
    SERVER_ERROR,
    TIMEOUT,
    NO_RESPONSE,
    INVALID_BODY,
    TOO_LARGE,
    TLS_BROKEN,
    CERTIFICATE,
    NOT_TLS,
    PROXY_DENIAL,
    PROXY_SETTING,
    SOCKS_PROXY,
    CA_BUNDLE,
)
"""All policies but the one for success, in the order of the documentation."""

_BY_STATUS = {
    200: OK,
    204: NO_CONTENT,
    401: UNAUTHORIZED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    407: PROXY_LOGIN,
    429: RATE_LIMITED,
}
_REDIRECTS = {301, 302, 303, 307, 308}
_FIRST_SERVER_ERROR = 500


def for_status(status: int) -> ErrorPolicy:
    """Return the policy for an HTTP status."""
    if status >= _FIRST_SERVER_ERROR:
        return SERVER_ERROR
    if status in _REDIRECTS:
        return REDIRECT
    return _BY_STATUS.get(status, REJECTED)
