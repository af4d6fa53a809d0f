"""Sends HTTP requests: connections, deadlines, rate limit, retries and counters.

Nothing in here knows Smokeball's paths.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import requests

from tap_smokeball.api import error_policy
from tap_smokeball.api.connection_errors import HTTPError, connection_failure
from tap_smokeball.api.deadlines import request_deadline
from tap_smokeball.api.error_policy import Action
from tap_smokeball.api.http_sessions import HttpSessions, stop_error
from tap_smokeball.api.request_counts import RequestCounts
from tap_smokeball.api.response_body import (
    BodyTooLargeError,
    InvalidEncodingError,
    read_body,
    read_error_body,
)
from tap_smokeball.api.retries import (
    DEFAULT_PAUSE_SECONDS,
    RequestAttempts,
    RetryableError,
    retry_after_seconds,
)
from tap_smokeball.api.retry_log import RetryLog
from tap_smokeball.api.shared_rate_limit import rate_limit_of
from tap_smokeball.errors import ApiConnectionError, ResponseTooLargeError, TimeLimitError

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping

    from requests.adapters import BaseAdapter
    from requests.auth import AuthBase

    from tap_smokeball.config.settings import Settings
    from tap_smokeball.errors import RequestInfo

T = TypeVar("T")

FINISH_SECONDS = 5.0
"""How long requests in flight may last beyond the end of the run."""

RETRIED_PARENT_SHARE = 0.1
"""Share of the run's remaining time that a request may take inside of `fewer_retries`."""


class RawResponse(NamedTuple):
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests from any thread, each thread on its own connections, one per host.

    Args:
        settings: Timeout, retries, rate limit and ``User-Agent``.
        logger: Takes lines about requests that are sent again.

    Attributes:
        rate_limit: The token bucket, of the process or of all processes of the app.
        counts: Counts requests, retries and the time that responses take.
        requests: Requests sent so far, by stream; retries count.
        on_response: Called with the status and the headers of each response.
        run_ends_at: The end of the run in seconds of the monotonic clock: no wait reaches past it,
            and requests in flight get `FINISH_SECONDS` more.
    """

    def __init__(self, settings: Settings, logger: logging.Logger) -> None:
        self.rate_limit = rate_limit_of(settings, logger)
        self.counts = RequestCounts()
        self.requests = self.counts.requests
        self.on_response: Callable[[int, Mapping[str, str]], None] | None = None
        self.run_ends_at = math.inf
        self._settings = settings
        self._retry_log = RetryLog(logger, settings.requests_per_second)
        self._lock = threading.Lock()
        self._local = threading.local()
        self._sessions = HttpSessions(settings.user_agent)
        self._known_hosts: set[str] = set()
        self._is_unreachable = False
        self._last_success = -math.inf
        self._closed = threading.Event()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until the rate limit permits one more request, which the block sends.

        Raises:
            TimeLimitError: The run ends before that.
        """
        self.rate_limit.acquire(self.run_ends_at + FINISH_SECONDS)
        try:
            limit = self.rate_limit
            self._retry_log.note_rate(limit.requests_per_second, is_slowed=limit.is_slowed)
            yield
        finally:
            self.rate_limit.release()

    def with_retries(self, attempt: Callable[[], T], request: RequestInfo) -> T:
        """Call ``attempt`` until it succeeds, fails permanently, or used up its retries.

        Args:
            attempt: Sends one request by `send`; raises `RetryableError` where a retry may help.
            request: Names the request in messages and counters.

        Raises:
            ApiConnectionError: No attempt succeeded within ``max_retries`` retries.
            TimeLimitError: The run ends before a retry could succeed.
        """
        attempts = RequestAttempts(request)
        while True:
            try:
                result = attempt()
            except RetryableError as failure:
                final = attempts.add(
                    failure,
                    run_ends_at=self.run_ends_at,
                    last_success=self._last_success,
                    max_retries=self._max_retries(),
                )
                if final is not None:
                    self._is_unreachable = not (failure.is_reachable or attempts.is_alone)
                    raise final from None
                self.counts.add_retry(request.stream, failure.policy.kind)
                self._retry_log.add(
                    failure,
                    request,
                    wait_seconds=attempts.wait_seconds,
                    rate=self.rate_limit.requests_per_second,
                    is_noteworthy=attempts.is_noteworthy,
                )
                if self._closed.wait(attempts.wait_seconds):
                    raise ApiConnectionError(
                        "request canceled, the run is over", request=request, is_shared=True
                    ) from None
            except (ApiConnectionError, ResponseTooLargeError, TimeLimitError) as error:
                error.request = error.request or request
                raise
            else:
                self._is_unreachable = False
                self._last_success = time.monotonic()
                return result

    @contextmanager
    def fewer_retries(self) -> Iterator[None]:
        """Give requests of this thread less time and one retry, while the block lasts.

        Requests that are likely to fail again must not use up the time of every run.
        """
        self._local.has_fewer_retries = True
        try:
            yield
        finally:
            self._local.has_fewer_retries = False

    def _max_retries(self) -> int:
        # Once nothing answers at all, further streams need not wait as long again.
        if self._is_unreachable:
            return 0
        configured = self._settings.max_retries
        return min(1, configured) if self._has_fewer_retries else configured

    @property
    def _has_fewer_retries(self) -> bool:
        return bool(self._local.__dict__.get("has_fewer_retries"))

    def send(  # noqa: PLR0913 - the parts of a request
        self,
        stream: str,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | str | None = None,
        auth: AuthBase | None = None,
    ) -> RawResponse:
        """Send one request for a stream.

        Raises:
            RetryableError: No response, an incomplete response, 429 or 5xx.
            ResponseTooLargeError: The response is larger than ``max_response_mb``.
            ApiConnectionError: The settings of network, proxy or certificates are wrong.
            TimeLimitError: The run is over.
        """
        settings = self._settings
        host = self._sessions.get(url)
        request = host.prepare(method, url, params=params, headers=headers, form=form, auth=auth)
        left = self._request_seconds()
        sent_at = time.monotonic()
        self.counts.add_request(stream)
        try:
            with request_deadline(sent_at + left):
                timeout = min(settings.timeout_seconds, left)
                response = host.send(request, timeout)
                self._known_hosts.add(host.origin)
                policy = error_policy.for_status(response.status)
                if response.status >= requests.codes.multiple_choices:
                    body = read_error_body(response)
                else:
                    body = read_body(response, settings.max_response_bytes)
        except BodyTooLargeError:
            policy = error_policy.TOO_LARGE
            reason = policy.reason.format(megabytes=settings.max_response_bytes / 1_000_000)
            raise ResponseTooLargeError(reason, policy.advice) from None
        except InvalidEncodingError:
            raise RetryableError(
                "the response cannot be unpacked", error_policy.INVALID_BODY
            ) from None
        except (requests.exceptions.RequestException, HTTPError, OSError) as error:
            is_over = time.monotonic() >= sent_at + left
            seconds = left if is_over else min(settings.timeout_seconds, left)
            raise self._failure(error, host.origin, seconds) from None
        self.counts.add_response(stream, time.monotonic() - sent_at, len(body))
        if self.on_response:
            self.on_response(response.status, response.headers)
        if policy.action is Action.STOP:
            raise stop_error(policy)
        if policy.action in {Action.WAIT, Action.RETRY}:
            wait = retry_after_seconds(response.headers)
            if policy.action is Action.WAIT:
                wait = DEFAULT_PAUSE_SECONDS if wait is None else wait
                self.rate_limit.pause(wait)
            raise RetryableError(policy.reason.format(status=response.status), policy, wait)
        return RawResponse(response.status, response.headers, body)

    @contextmanager
    def open(
        self, url: str, headers: Mapping[str, str], *, seconds: float
    ) -> Iterator[requests.Response]:
        """Send a GET request, and let the block read the body from ``raw``, in pieces.

        It is outside of the rate limit, and in no counter: for hosts that are not the API.

        Args:
            url: The URL; no message names it.
            headers: The headers, besides ``User-Agent``.
            seconds: How long the request may take, until the end of the block.

        Raises:
            RetryableError: No response, or the connection broke while the block read.
            ApiConnectionError: The settings of network, proxy or certificates are wrong.
            TimeLimitError: The run is over.
        """
        host = self._sessions.get(url)
        request = host.prepare_any("GET", url, headers=headers)
        sent_at = time.monotonic()
        left = min(seconds, self.run_ends_at + FINISH_SECONDS - sent_at)
        if left <= 0:
            raise TimeLimitError(is_single=True)
        timeout = min(self._settings.timeout_seconds, left)
        try:
            with request_deadline(sent_at + left):
                response = host.stream(request, timeout)
                self._known_hosts.add(host.origin)
                with closing(response):
                    yield response
        except (requests.exceptions.RequestException, HTTPError, OSError) as error:
            is_over = time.monotonic() >= sent_at + left
            raise self._failure(error, host.origin, left if is_over else timeout) from None

    def _request_seconds(self) -> float:
        """Return how long a request may take that starts now.

        Raises:
            TimeLimitError: The run is over.
        """
        settings = self._settings
        remaining = self.run_ends_at - time.monotonic()
        left = remaining + FINISH_SECONDS
        if self._has_fewer_retries:
            left = remaining * RETRIED_PARENT_SHARE
        if left <= 0:
            raise TimeLimitError
        return min(max(settings.max_request_seconds, settings.timeout_seconds), left)

    def mount(self, prefix: str, adapter: BaseAdapter) -> None:
        """Send the requests to URLs with a prefix through an adapter, as `Session.mount` does.

        Args:
            prefix: Beginning of the URLs, as ``https://api.smokeball.com``.
            adapter: Used by all threads at once.
        """
        self._sessions.mount(prefix, adapter)

    def close(self) -> None:
        """Close all connections, and stop all retries."""
        self._closed.set()
        self.rate_limit.close()
        self._sessions.close()

    def _failure(self, error: Exception, origin: str, seconds: float) -> Exception:
        """Return the error to raise for one of requests' or urllib3's, after some seconds."""
        is_known = origin in self._known_hosts
        policy, reason, is_reachable = connection_failure(
            error, seconds=round(seconds, 1), is_known=is_known
        )
        if policy.action is Action.STOP:
            return stop_error(policy)
        return RetryableError(reason, policy, is_reachable=is_reachable)
