"""The connections of each thread, one session per host, with what the environment says of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakSet

import requests

from tap_smokeball.api.connection_errors import environment_failure
from tap_smokeball.api.deadlines import DeadlineAdapter
from tap_smokeball.api.response_body import ACCEPT_ENCODING
from tap_smokeball.errors import ApiConnectionError

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from tap_smokeball.api.error_policy import ErrorPolicy


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
        self._sessions: WeakSet[requests.Session] = WeakSet()
        self._adapters: dict[str, BaseAdapter] = {}

    def get(self, url: str) -> requests.Session:
        """Return this thread's session for the host of a URL.

        Raises:
            ApiConnectionError: The environment's proxy or certificates cannot be used.
        """
        host = urlsplit(url).netloc
        session: requests.Session | None = self._local.__dict__.get(host)
        if session is None:
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
            self._local.__dict__[host] = session
            with self._lock:
                for prefix, adapter in self._adapters.items():
                    session.mount(prefix, adapter)
                self._sessions.add(session)
        return session

    @staticmethod
    def send(
        session: requests.Session, request: requests.PreparedRequest, timeout: float
    ) -> requests.Response:
        """Send a prepared request, and leave the body of the response unread.

        Not by `Session.send`: it prepares to follow redirects, for which it reads their body whole.
        They would carry the API key to another host.
        """
        return session.get_adapter(request.url or "").send(
            request,
            stream=True,
            timeout=timeout,
            verify=True if session.verify is None else session.verify,
            proxies=session.proxies,
        )

    def mount(self, prefix: str, adapter: BaseAdapter) -> None:
        """Send the requests to URLs with a prefix through an adapter, in all threads."""
        with self._lock:
            self._adapters[prefix] = adapter
            for session in self._sessions:
                session.mount(prefix, adapter)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for session in list(self._sessions):
                session.close()
            self._sessions.clear()
            self._local = threading.local()


def stop_error(policy: ErrorPolicy) -> ApiConnectionError:
    """Return the error for a failure that no retry fixes."""
    return ApiConnectionError(policy.reason, policy.advice, is_shared=policy.is_shared)
