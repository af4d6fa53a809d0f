"""Sends requests, and sends them again where that can help.

No knowledge of Smokeball's paths here: sessions, proxies, timeouts, the statuses that pass by
themselves, and how long to wait for that.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError

from tap_smokeball.errors import ApiConnectionError

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from requests.auth import AuthBase

    from tap_smokeball.api.rate_limit import TokenBucket
    from tap_smokeball.config.settings import Settings

T = TypeVar("T")

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0
LONG_WAIT_SECONDS = 10.0
QUIET_RETRIES = 2
"""How many retries of one request are nobody's concern, and so not logged as warnings."""

_HELP = "Check the network, api_url and auth_url, and status.smokeball.com; then run again"


class RetryableError(Exception):
    """A failure that may pass; its text is what it will be reported as if it does not.

    Args:
        cause: What happened, without anything confidential.
        wait: Seconds to wait, where the server said so; else the waits grow.
        answered: Whether a server answered at all.
    """

    def __init__(self, cause: str, wait: float | None = None, *, answered: bool = True) -> None:
        super().__init__(cause)
        self.wait = wait
        self.answered = answered


class RawResponse(NamedTuple):
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests from any thread, each on connections of its own, one to a host.

    Args:
        settings: Timeout, retries and how to introduce oneself.
        bucket: Is told when the server says that it has had enough.
        logger: Takes warnings about requests that fail again and again.
    """

    def __init__(self, settings: Settings, bucket: TokenBucket, logger: logging.Logger) -> None:
        self.requests: Counter[str] = Counter()
        """Requests sent so far, by stream; retries count."""
        self.retries: Counter[str] = Counter()
        """Requests that had to be sent again, by stream."""
        self._settings = settings
        self._bucket = bucket
        self._logger = logger
        self._lock = threading.Lock()
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._unreachable = False
        self._closed = threading.Event()

    def persist(self, attempt: Callable[[], T], stream: str, what: str) -> T:
        """Call ``attempt`` until it succeeds, fails for good, or has asked to try too often.

        Args:
            attempt: Sends one request by `send`; raises `RetryableError` where that may help.
            stream: The stream that the request is counted for.
            what: Names the request in messages.

        Raises:
            ApiConnectionError: It asked to try again more than ``max_retries`` times.
        """
        tries = 0
        while True:
            try:
                result = attempt()
            except RetryableError as failure:
                tries += 1
                # Once nothing answers at all, further streams need not wait as long again.
                if tries > (0 if self._unreachable else self._settings.max_retries):
                    self._unreachable = not failure.answered
                    how_often = "once" if tries == 1 else f"{tries} times"
                    raise ApiConnectionError(
                        f"{what}: {failure}, tried {how_often}. {_HELP}"
                    ) from None
                self._count(self.retries, stream)
                wait = _backoff(tries) if failure.wait is None else failure.wait
                if tries > QUIET_RETRIES or wait > LONG_WAIT_SECONDS:
                    self._logger.warning("%s: %s, trying again in %.0f s", what, failure, wait)
                if self._closed.wait(wait):
                    raise ApiConnectionError(f"{what}: given up, as the run is over") from None
            else:
                self._unreachable = False
                return result

    def send(  # noqa: PLR0913 - what a request is made of
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
            RetryableError: No answer, half an answer, 429 or 5xx.
            ApiConnectionError: The server's certificate is not trusted.
        """
        self._count(self.requests, stream)
        session = self._session(url)
        # Prepared here and read at once: a session merges its settings with each request anew, and
        # reads in pieces of 10 kB, which takes longer than to decode what was read.
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
        except requests.exceptions.SSLError:
            raise ApiConnectionError(
                "The server's certificate is not trusted. Behind a proxy that inspects traffic, "
                "name its authority in REQUESTS_CA_BUNDLE; otherwise check api_url and auth_url",
            ) from None
        except requests.exceptions.Timeout:
            seconds = f"{self._settings.timeout_seconds:g}"
            raise RetryableError(f"no answer within {seconds} s", answered=False) from None
        except (
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
        ):
            raise RetryableError("an answer that was cut short") from None
        except requests.exceptions.ConnectionError as error:
            raise RetryableError(_why(error), answered=False) from None
        if response.status_code == requests.codes.too_many_requests:
            wait = _retry_after(response.headers)
            self._bucket.pause(1.0 if wait is None else wait)
            raise RetryableError("429 Too Many Requests", wait)
        if response.status_code >= requests.codes.server_error:
            raise RetryableError(
                f"{response.status_code} from the server", _retry_after(response.headers)
            )
        return RawResponse(response.status_code, response.headers, body)

    def close(self) -> None:
        """Close all connections, and let nobody try again."""
        self._closed.set()
        with self._lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()
            self._local = threading.local()

    def _session(self, url: str) -> requests.Session:
        host = urlsplit(url).netloc
        session: requests.Session | None = self._local.__dict__.get(host)
        if session is None:
            session = self._local.__dict__[host] = requests.Session()
            session.headers["User-Agent"] = self._settings.user_agent
            # Proxies and certificates are taken from the environment once, not at every request;
            # .netrc never: it would replace the bearer token.
            environment = session.merge_environment_settings(url, {}, None, None, None)
            session.proxies = environment["proxies"]
            session.verify = environment["verify"]
            session.trust_env = False
            with self._lock:
                self._sessions.append(session)
        return session

    def _count(self, counter: Counter[str], stream: str) -> None:
        with self._lock:
            counter[stream] += 1


def _why(error: requests.exceptions.ConnectionError) -> str:
    if isinstance(error, requests.exceptions.ProxyError):
        return "no connection to the proxy that HTTPS_PROXY or HTTP_PROXY names"
    failed = error.args[0] if error.args else None
    if isinstance(failed, MaxRetryError) and isinstance(failed.reason, NameResolutionError):
        return "no connection: the host's name has no address"
    return "no connection"


def _backoff(tries: int) -> float:
    longest = min(FIRST_WAIT_SECONDS * 2 ** (tries - 1), LONGEST_WAIT_SECONDS)
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads the load, hides nothing


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, number or date, else None."""
    text = headers.get("Retry-After", "")
    try:
        if text.isdigit():
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
