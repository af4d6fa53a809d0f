"""The connections of each thread, one session per host, with what the environment says of them."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode
from weakref import WeakSet

import requests

from tap_smokeball.api.connection_errors import HTTPError, environment_failure
from tap_smokeball.api.connections import DeadlineAdapter
from tap_smokeball.api.response_body import ACCEPT_ENCODING
from tap_smokeball.errors import ApiConnectionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from requests.adapters import BaseAdapter
    from requests.auth import AuthBase
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Retry

    from tap_smokeball.api.error_policy import ErrorPolicy

_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_PLAIN_PATH = re.compile(r"(?:/[\w~-][\w.~-]*)+", re.ASCII)
"""A path that requests and urllib3 send unchanged."""


class PlainRequest(NamedTuple):
    """A GET request without a body, whose URL and headers need no preparation by requests.

    Attributes:
        target: The path and the query string.
        headers: All headers except ``Host``.
    """

    target: str
    headers: dict[str, str]


Request = PlainRequest | requests.PreparedRequest


class HostSession:
    """The connections of one thread to one host.

    Args:
        origin: Scheme, host and port, as in the URLs of the requests.
        session: Has the headers of each request, the proxies and the certificates.

    Attributes:
        origin: Scheme, host and port.
        session: The session of requests.
    """

    def __init__(self, origin: str, session: requests.Session) -> None:
        self.origin = origin
        self.session = session
        self._headers = {name: str(value) for name, value in session.headers.items()}
        self._is_mounted = False
        self._pool: HTTPConnectionPool | None = None
        self._retries: Retry | None = None
        self._prefix = ""

    def mount(self, prefix: str, adapter: BaseAdapter) -> None:
        """Send the requests to URLs with a prefix through an adapter."""
        self.session.mount(prefix, adapter)
        self._is_mounted = True

    def prepare(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | str | None = None,
        auth: AuthBase | None = None,
    ) -> Request:
        """Return a request to send to this host.

        requests checks and encodes each part of a request, which takes longer than to decode the
        response. In a plain request there is nothing to encode.
        """
        merged = {**self._headers, **(headers or {})}
        path = url[len(self.origin) :]
        if (
            method == "GET"
            and not self._is_mounted
            and form is None
            and auth is None
            and _PLAIN_PATH.fullmatch(path)
            and _are_plain(merged.values())
        ):
            query = _query(params or {})
            return PlainRequest(f"{path}?{query}" if query else path, merged)
        request = self.prepare_any(method, url, params=params, headers=headers, form=form)
        if auth is not None:
            request.prepare_auth(auth)
        return request

    def prepare_any(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | str | None = None,
    ) -> requests.PreparedRequest:
        """Return a request that requests has prepared."""
        request = requests.PreparedRequest()
        request.prepare_method(method)
        request.prepare_url(url, params)
        request.prepare_headers({**self._headers, **(headers or {})})
        request.prepare_body(form, None)
        return request

    def send(self, request: Request, timeout: float) -> BaseHTTPResponse:
        """Send a request, and leave the body of the response unread and packed.

        Raises:
            RequestException: There is no response.
            OSError: The connection broke.
        """
        if isinstance(request, PlainRequest):
            return self._send_plain(self._pool or self._choose_pool(), request, timeout)
        response: BaseHTTPResponse = self.stream(request, timeout).raw
        return response

    def stream(self, request: requests.PreparedRequest, timeout: float) -> requests.Response:
        """Send a prepared request, and leave the body of the response unread.

        Not by `Session.send`: it prepares to follow redirects, for which it reads their body whole.
        They would carry the API key to another host.
        """
        session = self.session
        return session.get_adapter(request.url or "").send(
            request, stream=True, timeout=timeout, verify=_verify(session), proxies=session.proxies
        )

    def _send_plain(
        self, pool: HTTPConnectionPool, request: PlainRequest, timeout: float
    ) -> BaseHTTPResponse:
        try:
            return pool.urlopen(
                "GET",
                self._prefix + request.target,
                headers=request.headers,
                retries=self._retries,
                redirect=False,
                assert_same_host=False,
                timeout=timeout,
                preload_content=False,
                decode_content=False,
            )
        except HTTPError as error:
            raise requests.ConnectionError(error) from None

    def _choose_pool(self) -> HTTPConnectionPool:
        """Let requests choose the pool of the host, with its proxy and certificates."""
        session, request = self.session, self.prepare_any("GET", f"{self.origin}/")
        adapter: Any = session.get_adapter(request.url or "")
        verify = _verify(session)
        pool: HTTPConnectionPool = adapter.get_connection_with_tls_context(
            request, verify, session.proxies
        )
        adapter.cert_verify(pool, request.url, verify, None)
        self._prefix = adapter.request_url(request, session.proxies).removesuffix("/")
        self._retries = adapter.max_retries
        self._pool = pool
        return pool


class HttpSessions:
    """The sessions of all threads.

    Args:
        user_agent: Value of the header ``User-Agent``.
    """

    def __init__(self, user_agent: str) -> None:
        self._user_agent = user_agent
        self._lock = threading.Lock()
        self._local = threading.local()
        # Threads own the sessions: the connections of a thread close when it ends.
        self._sessions: WeakSet[HostSession] = WeakSet()
        self._adapters: dict[str, BaseAdapter] = {}

    def get(self, url: str) -> HostSession:
        """Return this thread's session for the host of a URL.

        Raises:
            ApiConnectionError: The environment's proxy or certificates cannot be used.
        """
        found = _ORIGIN.match(url)
        origin = found[0] if found else url
        host: HostSession | None = self._local.__dict__.get(origin)
        if host is None:
            host = HostSession(origin, self._new_session(url))
            self._local.__dict__[origin] = host
            with self._lock:
                for prefix, adapter in self._adapters.items():
                    host.mount(prefix, adapter)
                self._sessions.add(host)
        return host

    def _new_session(self, url: str) -> requests.Session:
        session = requests.Session()
        session.headers["User-Agent"] = self._user_agent
        session.headers["Accept-Encoding"] = ACCEPT_ENCODING
        # Proxies and certificates are taken from the environment once, not at each request;
        # .netrc never: it would replace the bearer token.
        environment = session.merge_environment_settings(url, {}, None, None, None)
        session.proxies = environment["proxies"]
        session.verify = environment["verify"]
        session.trust_env = False
        if policy := environment_failure(url, session.proxies, session.verify):
            raise stop_error(policy)
        for prefix in ("https://", "http://"):
            session.mount(prefix, DeadlineAdapter())
        return session

    def mount(self, prefix: str, adapter: BaseAdapter) -> None:
        """Send the requests to URLs with a prefix through an adapter, in all threads."""
        with self._lock:
            self._adapters[prefix] = adapter
            for host in self._sessions:
                host.mount(prefix, adapter)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for host in list(self._sessions):
                host.session.close()
            self._sessions.clear()
            self._local = threading.local()


def stop_error(policy: ErrorPolicy) -> ApiConnectionError:
    """Return the error for a failure that no retry fixes."""
    return ApiConnectionError(policy.reason, policy.advice, is_shared=policy.is_shared)


def _verify(session: requests.Session) -> Any:
    return True if session.verify is None else session.verify


def _are_plain(values: Iterable[str]) -> bool:
    """Return whether the values of headers can be sent as they are."""
    text = "|" + "|".join(values)
    return text.isascii() and text.isprintable() and "| " not in text


def _query(params: Mapping[str, Any]) -> str:
    """Return a query string; the lists of many parents have the same."""
    given = tuple((name, value) for name, value in params.items() if value is not None)
    if all(isinstance(value, (str, int)) for _, value in given):
        return _encode(tuple((name, str(value)) for name, value in given))
    return urlencode(given, doseq=True)


_encode = lru_cache(16)(urlencode)
