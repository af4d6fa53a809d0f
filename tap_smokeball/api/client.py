"""Smokeball's API: authorized, rate-limited GET requests, checked and decoded.

One client serves the whole process, whatever the number of threads. `error_policy` says what it
does about each status.
"""

from __future__ import annotations

import logging
import re
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import msgspec
import requests

from tap_smokeball.api import error_policy
from tap_smokeball.api.auth import token_provider
from tap_smokeball.api.error_policy import Action
from tap_smokeball.api.response_parsers import NO_CONTENT, PAGED
from tap_smokeball.api.retries import RetryableError
from tap_smokeball.api.server_clock import ServerClock
from tap_smokeball.api.token_subject import subject_of
from tap_smokeball.api.transport import Transport
from tap_smokeball.errors import RequestInfo, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from requests.auth import AuthBase

    from tap_smokeball.api.error_policy import ErrorPolicy
    from tap_smokeball.api.pages import Key, Page, Row
    from tap_smokeball.api.response_parsers import ResponseFormat
    from tap_smokeball.api.transport import RawResponse
    from tap_smokeball.config.settings import Settings
    from tap_smokeball.errors import SmokeballError

T = TypeVar("T")

TOKEN_REQUESTS = "login"  # noqa: S105
"""The name under which requests to the token endpoint are counted."""

# Numbers keep every digit: money never passes through a float.
_decode = msgspec.json.Decoder(float_hook=Decimal).decode

_ADDRESS = re.compile(r"https?://[A-Za-z0-9._:-]{1,253}")
_TEXT_ERRORS = (msgspec.DecodeError, UnicodeDecodeError)
_DECODE_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""An escape in JSON text: a pair of surrogates, a lone one, or any other."""


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of the API.

    Attributes:
        path: Path template, as ``/matters/{matterId}/fees``.
        scope: OAuth scope that it needs, as ``fees/read``.
        stream: Name of the stream that its requests are counted for and that errors name.
    """

    path: str
    scope: str
    stream: str = "api"

    def path_for(self, ids: Mapping[str, str]) -> str:
        """Return the path with its placeholders filled."""
        # An id may come as a number.
        quoted = {name: quote(str(value), safe="") for name, value in ids.items()}
        return self.path.format_map(quoted)


@dataclass(frozen=True)
class Response(Generic[T]):
    """A decoded response.

    Attributes:
        data: The data parsed from the body.
        server_time: Ticks no later than when the request was sent, by the server's clock and by
            this machine's. A row that changes after it cannot be missed by a later read that
            starts here.
    """

    data: T
    server_time: int


class ApiClient:
    """Smokeball's API with one rate limit and one access token.

    Args:
        settings: Where to connect, as whom, and how fast.
        logger: Takes warnings.

    Attributes:
        transport: Sends the requests, and counts them.
        clock: Compares the server's clock with this machine's.
        has_access: Whether the API has accepted any request so far.

    Raises:
        AuthenticationError: ``refresh_token_file`` cannot be used.
    """

    def __init__(self, settings: Settings, logger: logging.Logger | None = None) -> None:
        self._settings = settings
        self._logger = logger or logging.getLogger(__name__)
        self.transport = Transport(settings, self._logger)
        self._tokens = token_provider(settings, self._request_token, self._logger)
        self.has_access = False
        self.clock = ServerClock(settings.lookback_ticks, self._logger)
        self._repaired: set[str] = set()

    @property
    def refresh_token_issued_ticks(self) -> int | None:
        """When the refresh token in use was issued, in ticks, if that is known."""
        return self._tokens.refresh_token_issued_ticks

    def get(
        self,
        endpoint: Endpoint,
        ids: Mapping[str, str],
        params: Mapping[str, Any],
        parse: Callable[[Any], T],
    ) -> Response[T]:
        """Send one GET request and return the decoded response.

        Args:
            endpoint: The endpoint.
            ids: Values for the placeholders of its path.
            params: Query parameters; a list repeats its name.
            parse: Takes the data out of the decoded body; raises `UnexpectedResponseError` if it
                has none, which is retried like an invalid body.

        Raises:
            SmokeballError: The request failed; `error_policy` says how and why.
        """
        url = self._settings.api_base + endpoint.path_for(ids)
        request = RequestInfo(endpoint.stream, endpoint.path, str(uuid.uuid4()))
        headers = {"x-api-key": self._settings.api_key, "RequestId": request.request_id or ""}
        if self._settings.user_id:
            headers["UserId"] = self._settings.user_id

        def attempt(*, is_refreshed: bool = False) -> Response[T]:
            self.transport.wait_for_turn()
            token = self._tokens.get()
            headers["Authorization"] = f"Bearer {token}"
            sent_at = self.clock.now()
            response = self.transport.send(
                endpoint.stream, "GET", url, params=params, headers=headers
            )
            policy = error_policy.for_status(response.status)
            if policy.action is Action.REFRESH_TOKEN and not is_refreshed:
                self._tokens.refresh(token)
                return attempt(is_refreshed=True)
            self.has_access |= policy.action in {Action.EMPTY, Action.ACCEPT}
            if policy.action is Action.EMPTY:
                data = parse(NO_CONTENT)
            elif policy.action is Action.ACCEPT:
                data = self._parse(endpoint.stream, response, parse)
            else:
                raise _rejection(policy, response, url, request, endpoint.scope)
            return Response(data, self.clock.time_of(response.headers, sent_at))

        return self.transport.with_retries(attempt, request)

    def iter_rows(
        self,
        endpoint: Endpoint,
        ids: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        key: str = "id",
        response_format: ResponseFormat = PAGED,
    ) -> Iterator[Row]:
        """Yield the rows of a list, each once, however they shift while they are read.

        Args:
            endpoint: The endpoint.
            ids: Values for the placeholders of its path.
            params: Query parameters except those of the page.
            key: The property that tells rows apart.
            response_format: How the endpoint sends rows.

        Raises:
            SmokeballError: A request failed, or the pages cannot be joined.
        """

        def fetch(page_params: dict[str, Any]) -> Page:
            query = {**(params or {}), **page_params}
            return self.get(endpoint, ids or {}, query, response_format.parse).data

        def key_of_rows(rows: Iterable[Row]) -> dict[Key, Row]:
            by_key: dict[Key, Row] = {str(row.get(key) or ""): row for row in rows}
            if "" in by_key:
                raise UnexpectedResponseError(f"a row has no {key}")
            return by_key

        for rows in response_format.paginator(fetch, key_of_rows, self._settings.page_size):
            yield from rows

    def subject(self) -> str | None:
        """Return whom the access token was issued for, as far as it can be read.

        Raises:
            AuthenticationError: The token endpoint rejects the client.
            ApiConnectionError: The token endpoint cannot be reached.
        """
        return subject_of(self._tokens.get())

    def close(self) -> None:
        """Close all connections, and stop all retries."""
        self.transport.close()

    def _request_token(self, form: dict[str, str], basic: AuthBase | None) -> tuple[int, Any]:
        request = RequestInfo(TOKEN_REQUESTS, "/oauth2/token", method="POST")

        def attempt() -> tuple[int, Any]:
            sent_at = self.clock.now()
            response = self.transport.send(
                TOKEN_REQUESTS, "POST", self._settings.token_url, form=form, auth=basic
            )
            if "Date" in response.headers:
                self.clock.time_of(response.headers, sent_at)
            if (policy := error_policy.for_status(response.status)) is error_policy.REDIRECT:
                token_url = self._settings.token_url
                raise _rejection(policy, response, token_url, request)
            if response.status < requests.codes.bad_request:
                return response.status, self._parse(TOKEN_REQUESTS, response, _require_token)
            try:
                return response.status, _decode(response.body)
            except _DECODE_ERRORS:
                return response.status, None

        return self.transport.with_retries(attempt, request)

    def _parse(self, stream: str, response: RawResponse, parse: Callable[[Any], T]) -> T:
        policy: ErrorPolicy = error_policy.INVALID_BODY
        try:
            return parse(self._decode_body(stream, response.body))
        except RecursionError:
            raise RetryableError("the response is nested too deep", policy) from None
        except _DECODE_ERRORS:
            raise RetryableError("the response is not JSON", policy) from None
        except UnexpectedResponseError as error:
            raise RetryableError(error.reason, policy) from None

    def _decode_body(self, stream: str, body: bytes) -> Any:
        """Return a decoded body, also if some of its text cannot be decoded."""
        try:
            return _decode(body)
        except _TEXT_ERRORS:
            repaired = _repair(body)
            if repaired == body:
                raise
        decoded = _decode(repaired)
        if stream not in self._repaired:
            self._repaired.add(stream)
            self._logger.warning(
                "%s: the API sends text that is not valid Unicode; U+FFFD replaces what cannot "
                "be read",
                stream,
            )
        return decoded


def _rejection(
    policy: ErrorPolicy,
    response: RawResponse,
    url: str,
    request: RequestInfo,
    scope: str = "",
) -> SmokeballError:
    """Return the error for a response whose status is final."""
    return policy.error(
        policy.reason.format(address=_address(url, response.headers.get("Location", ""))),
        policy.advice.format(scope=scope),
        status=response.status,
        request=request,
        is_shared=policy.is_shared,
    )


def _address(url: str, location: str) -> str:
    """Return the scheme and host that a ``Location`` names, without all that may be secret."""
    try:
        parts = urlsplit(urljoin(url, location))
        address = f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "another address"
    return address if _ADDRESS.fullmatch(address) else "another address"


def _require_token(body: Any) -> Any:
    if not isinstance(body, dict) or not body.get("access_token"):
        raise UnexpectedResponseError("the response has no access token")
    return body


def _repair(body: bytes) -> bytes:
    """Return a body with U+FFFD for each byte and each surrogate that is no character."""
    return _ESCAPE.sub(_repair_escape, body.decode(errors="replace")).encode()


def _repair_escape(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape["lone"] else escape[0]
