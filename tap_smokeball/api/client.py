"""Smokeball's API: authorized, rate-limited requests, checked and decoded.

One client serves the whole process, whatever the number of threads. `error_policy` says what it
does about each status.
"""

from __future__ import annotations

import logging
import random
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import requests

from tap_smokeball.api import error_policy
from tap_smokeball.api.auth import token_provider
from tap_smokeball.api.changes import try_once
from tap_smokeball.api.error_policy import Action
from tap_smokeball.api.json_body import DECODE_ERRORS, LenientDecoder, decode
from tap_smokeball.api.response_parsers import NO_CONTENT, PAGED
from tap_smokeball.api.retries import RetryableError
from tap_smokeball.api.server_clock import ServerClock
from tap_smokeball.api.token_subject import subject_of
from tap_smokeball.api.transport import Transport
from tap_smokeball.errors import RequestInfo, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from requests.auth import AuthBase

    from tap_smokeball.api.changes import Change
    from tap_smokeball.api.error_policy import ErrorPolicy
    from tap_smokeball.api.pages import Key, Page, Row
    from tap_smokeball.api.response_parsers import ResponseFormat
    from tap_smokeball.api.transport import RawResponse
    from tap_smokeball.config.settings import Settings
    from tap_smokeball.errors import SmokeballError

T = TypeVar("T")

DecodeUsual = Callable[[bytes], Any]

TOKEN_REQUESTS = "login"  # noqa: S105
"""The name under which requests to the token endpoint are counted."""

_ADDRESS = re.compile(r"https?://[A-Za-z0-9._:-]{1,253}")


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
        self._decoder = LenientDecoder(self._logger)

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
        decode_usual: DecodeUsual | None = None,
    ) -> Response[T]:
        """Send one GET request and return the decoded response.

        Args:
            endpoint: The endpoint.
            ids: Values for the placeholders of its path.
            params: Query parameters; a list repeats its name.
            parse: Takes the data out of the decoded body; raises `UnexpectedResponseError` if it
                has none, which is retried like an invalid body.
            decode_usual: Decodes a body of the usual form, and raises one of `DECODE_ERRORS` for
                any other, which is decoded to dicts.

        Raises:
            SmokeballError: The request failed; `error_policy` says how and why.
        """
        return self._request(None, endpoint, ids, params, parse, decode_usual)

    def change(
        self,
        change: Change,
        endpoint: Endpoint,
        ids: Mapping[str, str],
        parse: Callable[[Any], T],
    ) -> T:
        """Send one request that changes something, and return the data of its response.

        Only `tap_smokeball.api.subscription_changes` calls it: the tap itself is read-only.

        Args:
            change: What to send.
            endpoint: The endpoint.
            ids: Values for the placeholders of its path.
            parse: As for `get`; gets `NO_CONTENT` unless the change returns data.

        Raises:
            UnconfirmedChangeError: It is not repeatable, and may have been made or not.
            SmokeballError: The request failed; `error_policy` says how and why.
        """
        return self._request(change, endpoint, ids, {}, parse).data

    def _request(  # noqa: PLR0913, PLR0917 - the parts of a request
        self,
        change: Change | None,
        endpoint: Endpoint,
        ids: Mapping[str, str],
        params: Mapping[str, Any],
        parse: Callable[[Any], T],
        decode_usual: DecodeUsual | None = None,
    ) -> Response[T]:
        method, content = (change.method, change.content) if change else ("GET", None)
        policy_for = change.policy if change else error_policy.for_status
        url = self._settings.api_base + endpoint.path_for(ids)
        request = RequestInfo(endpoint.stream, endpoint.path, _request_id(), method)
        headers = {"x-api-key": self._settings.api_key, "RequestId": request.request_id or ""}
        if content is not None:
            headers["Content-Type"] = "application/json"
        if self._settings.user_id:
            headers["UserId"] = self._settings.user_id

        def attempt() -> Response[T]:
            is_refreshed = False
            while True:
                self._tokens.get()  # a new token takes seconds, in which a turn would be lost
                with self.transport.turn():
                    token = self._tokens.get()
                    headers["Authorization"] = f"Bearer {token}"
                    sent_at = self.clock.now()
                    response = self.transport.send(
                        endpoint.stream, method, url, params=params, headers=headers, form=content
                    )
                policy = policy_for(response.status)
                if policy.action is not Action.REFRESH_TOKEN or is_refreshed:
                    break
                self._tokens.refresh(token)
                is_refreshed = True
            self.has_access |= policy.action in {Action.EMPTY, Action.ACCEPT}
            if policy.action is Action.EMPTY:
                data = parse(NO_CONTENT)
            elif policy.action is Action.ACCEPT:
                data = self._parse(endpoint.stream, response, parse, decode_usual)
            else:
                raise _rejection(policy, response, url, request, endpoint.scope)
            return Response(data, self.clock.time_of(response.headers, sent_at))

        if change and not change.is_repeatable:
            return self.transport.with_retries(lambda: try_once(attempt, request), request)
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
                return response.status, decode(response.body)
            except DECODE_ERRORS:
                return response.status, None

        return self.transport.with_retries(attempt, request)

    def _parse(
        self,
        stream: str,
        response: RawResponse,
        parse: Callable[[Any], T],
        decode_usual: DecodeUsual | None = None,
    ) -> T:
        policy: ErrorPolicy = error_policy.INVALID_BODY
        try:
            if decode_usual is not None:
                with suppress(*DECODE_ERRORS):
                    return parse(decode_usual(response.body))
            return parse(self._decoder.decode(stream, response.body))
        except RecursionError:
            raise RetryableError("the response is nested too deep", policy) from None
        except DECODE_ERRORS:
            raise RetryableError("the response is not JSON", policy) from None
        except UnexpectedResponseError as error:
            raise RetryableError(error.reason, policy) from None


def _request_id() -> str:
    """Return a new id: no secret, so that it need not cost a system call."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


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
