"""The connection to Smokeball: one for the whole process, shared by all streams and workers.

Every request is paced, signed, sent, checked and decoded here. What a status means, what the tap
does about it, and what is left to do (`docs/errors.md` is generated from this table):

======  ==========================  =====================  ========================================
status  cause                       what the tap does      what to do if it stays
======  ==========================  =====================  ========================================
400     the request is wrong        the stream fails       check the settings; if they are right,
                                                           report it with the request id
401     the token ended early or    one new token for      check that `api_key`, `region` and
        was revoked                 all, then the stream   `environment` are those of the app; a
                                    fails                  given `access_token`: give a new one
403     a scope, the API key or a   the stream fails       grant the scope that is named and sign
        permission is missing                              in again, check `api_key`, or deselect
                                                           the stream
404     the record is gone          a gone parent is       nothing
                                    passed over, and told
429     the allowance is used up,   waits as long as it    another process uses the same app: give
        by this process or another  is told, tries again   each its part by `requests_per_second`
5xx     trouble at Smokeball's      waits longer each      wait; look at status.smokeball.com; run
                                    time, tries again      again, it goes on where it was
none    refused, reset, timed out,  waits longer each      check the network, the proxy, `api_url`
        cut short, no such host     time, tries again      and `auth_url`; a slow network:
                                                           `request_timeout_seconds`
200     not JSON, empty, or not     waits longer each      as for 5xx; if it is always the same
        what the path promises      time, tries again      path, report it with the request id
======  ==========================  =====================  ========================================
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

import msgspec
import requests

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.auth import TokenProvider
from tap_smokeball.api.rate_limit import TokenBucket
from tap_smokeball.api.transport import RetryableError, Transport
from tap_smokeball.errors import (
    AccessDeniedError,
    AuthenticationError,
    NotFoundError,
    RequestRejectedError,
    UnexpectedResponseError,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from requests.auth import AuthBase

    from tap_smokeball.api.transport import RawResponse
    from tap_smokeball.config.settings import Settings

T = TypeVar("T")

# Numbers keep every digit: money never passes through a float.
_decode = msgspec.json.Decoder(float_hook=Decimal).decode

_REFUSED_TWICE = (
    "401 {}: the API refuses a newly issued token. Check that api_key, region and environment are "
    "those of the app that client_id names"
)


@dataclass(frozen=True)
class Endpoint:
    """What a stream reads from: its name, its path template and the scope that opens it."""

    stream: str
    path: str
    scope: str

    def at(self, ids: Mapping[str, str]) -> str:
        """Return the path with its placeholders filled."""
        return self.path.format_map({name: quote(value, safe="") for name, value in ids.items()})


@dataclass(frozen=True)
class Response(Generic[T]):
    """What one request brought.

    Attributes:
        data: What was wanted out of the decoded body.
        server_time: The server's clock in ticks, not later than the moment the request was sent, so
            that no row changed after it can be missing from a later read that starts here.
    """

    data: T
    server_time: int


class ApiClient:
    """Smokeball's API behind one token bucket and one token.

    Args:
        settings: Where to connect, as whom, and how fast.
        logger: Takes warnings.
    """

    def __init__(self, settings: Settings, logger: logging.Logger) -> None:
        self._settings = settings
        self._logger = logger
        self._bucket = TokenBucket(settings.requests_per_second, settings.burst)
        self.http = Transport(settings, self._bucket, logger)
        self._tokens = TokenProvider(settings, self._ask_for_token)
        self.sends_date = True
        """Whether all answers so far carried the server's clock."""

    def get(
        self,
        endpoint: Endpoint,
        ids: Mapping[str, str],
        params: Mapping[str, Any],
        read: Callable[[Any], T],
    ) -> Response[T]:
        """Send one GET request and return what it brought.

        Args:
            endpoint: What to read.
            ids: Values for the placeholders of its path.
            params: Query parameters; a list repeats its name.
            read: Takes what is wanted out of the decoded body; raises
                `UnexpectedResponseError` if it is not there, which is tried again like one.

        Raises:
            SmokeballError: One of its kinds, as the module's table says.
        """
        url = self._settings.api_base + endpoint.at(ids)
        headers = {"x-api-key": self._settings.api_key, "RequestId": str(uuid.uuid4())}
        if self._settings.user_id:
            headers["UserId"] = self._settings.user_id
        what = f"{endpoint.stream} (GET {endpoint.path}, request id {headers['RequestId']})"

        def attempt(*, renewed: bool = False) -> Response[T]:
            self._bucket.acquire()
            token = self._tokens.get()
            headers["Authorization"] = f"Bearer {token}"
            sent_at, local_clock = time.monotonic(), dotnet_ticks.now()
            response = self.http.send(endpoint.stream, "GET", url, params=params, headers=headers)
            if response.status == requests.codes.unauthorized:
                if renewed:
                    raise AuthenticationError(_REFUSED_TWICE.format(what))
                self._tokens.renew(token)
                return attempt(renewed=True)
            _check(response, endpoint, what)
            data = _read(response, read)
            return Response(data, self._server_clock(response, sent_at, local_clock))

        return self.http.persist(attempt, endpoint.stream, what)

    def _ask_for_token(self, form: dict[str, str], basic: AuthBase | None) -> tuple[int, Any]:
        def attempt() -> tuple[int, Any]:
            url = self._settings.token_url
            response = self.http.send("login", "POST", url, form=form, auth=basic)
            if response.status < requests.codes.bad_request:
                return response.status, _read(response, _with_token)
            try:
                return response.status, _decode(response.body)
            except msgspec.DecodeError:
                return response.status, None

        return self.http.persist(attempt, "login", "the login (POST /oauth2/token)")

    def _server_clock(self, response: RawResponse, sent_at: float, local: int) -> int:
        took = int((time.monotonic() - sent_at) * dotnet_ticks.PER_SECOND) + 1
        try:
            return dotnet_ticks.from_http_date(response.headers["Date"]) - took
        except (KeyError, ValueError):
            if self.sends_date:
                self.sends_date = False
                self._logger.warning(
                    "The API sends no Date: this machine's clock is used for the bookmarks, and "
                    "must not run ahead by more than lookback_seconds",
                )
            return local


def _check(response: RawResponse, endpoint: Endpoint, what: str) -> None:
    status = response.status
    if status == requests.codes.ok:
        return
    if status == requests.codes.forbidden:
        raise AccessDeniedError(
            f"403 {what}: grant the app the scope {endpoint.scope} and sign in again, check "
            "api_key, or deselect the stream",
        )
    if status == requests.codes.not_found:
        raise NotFoundError(f"404 {what}: there is no such record")
    raise RequestRejectedError(
        f"{status} {what}: the API does not take this request. Check the settings; if they are "
        "right, report it with the request id",
    )


def _with_token(answer: Any) -> Any:
    if not isinstance(answer, dict) or not answer.get("access_token"):
        raise UnexpectedResponseError("an answer without a token")
    return answer


def _read(response: RawResponse, read: Callable[[Any], T]) -> T:
    try:
        return read(_decode(response.body))
    except msgspec.DecodeError:
        raise RetryableError("an answer that is not JSON") from None
    except UnexpectedResponseError as surprise:
        raise RetryableError(str(surprise)) from None
