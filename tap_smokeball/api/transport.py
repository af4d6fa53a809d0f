"""Sends HTTP requests: connections, timeouts, rate limit, retries and counters.

Nothing in here knows Smokeball's paths.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError

from tap_smokeball.api import error_policy
from tap_smokeball.api.error_policy import Action, ErrorPolicy
from tap_smokeball.api.rate_limit import TokenBucket
from tap_smokeball.errors import ApiConnectionError, RequestInfo

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from requests.adapters import BaseAdapter
    from requests.auth import AuthBase

    from tap_smokeball.config.settings import Settings

T = TypeVar("T")

FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 60.0
LOG_WAITS_ABOVE_SECONDS = 10.0
LOG_RETRIES_AFTER = 2
"""Retries of one request that are normal, and so not logged as warnings."""

DEFAULT_PAUSE_SECONDS = 1.0
"""Pause of all requests after a 429 without ``Retry-After``."""


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


class RawResponse(NamedTuple):
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests from any thread, each thread on its own connections, one per host.

    Args:
        settings: Timeout, retries, rate limit and ``User-Agent``.
        logger: Takes warnings about requests that fail repeatedly.

    Attributes:
        rate_limit: The token bucket of the process.
        requests: Requests sent so far, by stream; retries count.
        retries: Requests that were sent again, by stream.
    """

    def __init__(self, settings: Settings, logger: logging.Logger) -> None:
        self.rate_limit = TokenBucket(settings.requests_per_second, settings.burst)
        self.requests: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self._settings = settings
        self._logger = logger
        self._lock = threading.Lock()
        self._local = threading.local()
        # Threads own the sessions: the connections of a thread close when it ends.
        self._sessions: WeakSet[requests.Session] = WeakSet()
        self._adapters: dict[str, BaseAdapter] = {}
        self._is_unreachable = False
        self._closed = threading.Event()

    def with_retries(self, attempt: Callable[[], T], request: RequestInfo) -> T:
        """Call ``attempt`` until it succeeds, fails permanently, or used up its retries.

        Args:
            attempt: Sends one request by `send`; raises `RetryableError` where a retry may help.
            request: Names the request in messages and counters.

        Raises:
            ApiConnectionError: No attempt succeeded within ``max_retries`` retries.
        """
        failures = 0
        while True:
            try:
                result = attempt()
            except RetryableError as failure:
                failures += 1
                if not self._should_retry(failures):
                    self._is_unreachable = not failure.is_reachable
                    times = "once" if failures == 1 else f"{failures} times"
                    raise ApiConnectionError(
                        f"{failure}, tried {times}",
                        failure.policy.advice,
                        request=request,
                        is_shared=failure.policy.is_shared,
                    ) from None
                self._count(self.retries, request.stream)
                wait = _retry_delay(failure, failures)
                if failures > LOG_RETRIES_AFTER or wait > LOG_WAITS_ABOVE_SECONDS:
                    self._logger.warning("Retrying in %.0f s: %s: %s", wait, request, failure)
                if self._closed.wait(wait):
                    raise ApiConnectionError(
                        "request canceled, the run is over", request=request, is_shared=True
                    ) from None
            else:
                self._is_unreachable = False
                return result

    def _should_retry(self, failures: int) -> bool:
        # Once nothing answers at all, further streams need not wait as long again.
        return failures <= (0 if self._is_unreachable else self._settings.max_retries)

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
            ApiConnectionError: The server's certificate is not trusted.
        """
        self._count(self.requests, stream)
        session = self._session(url)
        # Prepared here and read at once: a session merges its settings with each request, and
        # reads in pieces of 10 kB, which takes longer than to decode the response.
        request = requests.PreparedRequest()
        request.prepare_method(method)
        request.prepare_url(url, params)
        request.prepare_headers({**session.headers, **(headers or {})})
        request.prepare_cookies(session.cookies)
        request.prepare_body(form, None)
        if auth is not None:
            request.prepare_auth(auth)
        try:
            response = session.send(
                request,
                timeout=self._settings.timeout_seconds,
                allow_redirects=False,  # a redirect would carry the API key to another host
                stream=True,
            )
            body = b"".join(response.iter_content(None))
        except requests.exceptions.RequestException as error:
            raise self._failure(error) from None
        policy = error_policy.for_status(response.status_code)
        if policy.action in {Action.WAIT, Action.RETRY}:
            wait = _retry_after_seconds(response.headers)
            if policy.action is Action.WAIT:
                self.rate_limit.pause(DEFAULT_PAUSE_SECONDS if wait is None else wait)
            raise RetryableError(policy.reason.format(status=response.status_code), policy, wait)
        return RawResponse(response.status_code, response.headers, body)

    def mount(self, prefix: str, adapter: BaseAdapter) -> None:
        """Send the requests to URLs with a prefix through an adapter, as `Session.mount` does.

        Args:
            prefix: Beginning of the URLs, as ``https://api.smokeball.com``.
            adapter: Used by all threads at once.
        """
        with self._lock:
            self._adapters[prefix] = adapter
            for session in self._sessions:
                session.mount(prefix, adapter)

    def close(self) -> None:
        """Close all connections, and stop all retries."""
        self._closed.set()
        with self._lock:
            for session in list(self._sessions):
                session.close()
            self._sessions.clear()
            self._local = threading.local()

    def _failure(self, error: requests.exceptions.RequestException) -> Exception:
        """Return the error to raise for one of requests'."""
        errors = requests.exceptions
        if isinstance(error, errors.SSLError):
            policy = error_policy.CERTIFICATE
            return ApiConnectionError(policy.reason, policy.advice, is_shared=True)
        if isinstance(error, errors.Timeout):
            policy = error_policy.TIMEOUT
            reason = policy.reason.format(seconds=self._settings.timeout_seconds)
            return RetryableError(reason, policy, is_reachable=False)
        if isinstance(error, (errors.ChunkedEncodingError, errors.ContentDecodingError)):
            return RetryableError("an incomplete response", error_policy.INVALID_BODY)
        if isinstance(error, errors.ConnectionError):
            policy = error_policy.NO_RESPONSE
            return RetryableError(_connection_failure(error), policy, is_reachable=False)
        return error

    def _session(self, url: str) -> requests.Session:
        host = urlsplit(url).netloc
        session: requests.Session | None = self._local.__dict__.get(host)
        if session is None:
            session = self._local.__dict__[host] = requests.Session()
            session.headers["User-Agent"] = self._settings.user_agent
            # Proxies and certificates are taken from the environment once, not at each request;
            # .netrc never: it would replace the bearer token.
            environment = session.merge_environment_settings(url, {}, None, None, None)
            session.proxies = environment["proxies"]
            session.verify = environment["verify"]
            session.trust_env = False
            with self._lock:
                for prefix, adapter in self._adapters.items():
                    session.mount(prefix, adapter)
                self._sessions.add(session)
        return session

    def _count(self, counter: Counter[str], stream: str) -> None:
        with self._lock:
            counter[stream] += 1


def _connection_failure(error: requests.exceptions.ConnectionError) -> str:
    if isinstance(error, requests.exceptions.ProxyError):
        return "no connection to the proxy that HTTPS_PROXY or HTTP_PROXY names"
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NameResolutionError):
        return "no connection: the host name cannot be resolved"
    return "no connection"


def _retry_delay(failure: RetryableError, failures: int) -> float:
    """Return the seconds to wait before the next attempt."""
    if failure.wait_seconds is not None:
        return failure.wait_seconds
    longest = min(FIRST_BACKOFF_SECONDS * 2 ** (failures - 1), MAX_BACKOFF_SECONDS)
    return _with_jitter(longest)


def _with_jitter(seconds: float) -> float:
    """Return between half of a delay and all of it, so that clients do not retry in step."""
    return random.uniform(seconds / 2, seconds)  # noqa: S311 - spreads load, hides nothing


def _retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, number or date, else None."""
    text = headers.get("Retry-After", "")
    try:
        if text.isdigit():
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
