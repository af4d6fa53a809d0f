"""The callback server: receives the redirect of one sign-in at a loopback address."""

from __future__ import annotations

import errno
import os
import queue
import secrets
import socket
import socketserver
import sys
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from tap_smokeball.errors import AuthenticationError, os_error_message
from tap_smokeball.login.grant import StateMismatchError

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self
if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

LOOPBACK_ADDRESSES = {
    "localhost": ("127.0.0.1", "::1"),
    "127.0.0.1": ("127.0.0.1",),
    "::1": ("::1",),
}
"""Host of a redirect URI -> addresses to bind.

Browsers try both addresses of localhost, so another program must not have one of them.
"""

_NO_SUCH_ADDRESS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}
_PURPOSE_HEADERS = ("Sec-Purpose", "Purpose", "X-Moz")

_IDLE_TIMEOUT_SECONDS = 10
_POLL_SECONDS = 0.1
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>tap-smokeball</title>
<style>body {{ font: 1.1rem/1.5 sans-serif; margin: 3rem auto; max-width: 34rem; padding: 0 1rem }}
</style></head><body><h1>{}</h1><p>{}</p></body></html>
"""
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


class CallbackServer:
    """A context manager that serves the redirect URI inside its ``with`` block.

    Every user of the machine can see the command line of a browser, so a URL that is opened there
    must not hold ``state``. The browser gets the URL of a start page, which sets a cookie and
    redirects to the authorization server. The start page works for one browser, and a redirect
    counts with the cookie only. Whoever else opens the start page ends the sign-in.

    Args:
        redirect_uri: A URI with one of the hosts in `LOOPBACK_ADDRESSES`.
        authorization_url: The page that the start page redirects to.
        extract_code: Returns the code in the requested URI. A `StateMismatchError` rejects that
            request only; an `AuthenticationError` ends the sign-in.
        warn: Receives a warning for the first redirect of another sign-in.

    Attributes:
        start_url: The page that the user opens in a browser.

    Raises:
        AuthenticationError: The port is not available.
    """

    def __init__(
        self,
        redirect_uri: str,
        authorization_url: str,
        extract_code: Callable[[str], str],
        warn: Callable[[str], None],
    ) -> None:
        self._sign_in = _SignIn(redirect_uri, authorization_url, extract_code, warn)
        self.start_url = self._sign_in.start_url
        self._servers: list[_Server] = []
        parts = urlsplit(redirect_uri)
        port = parts.port or 80
        try:
            for address in LOOPBACK_ADDRESSES[parts.hostname or ""]:
                self._listen(address, port)
        except OSError as error:
            for server in self._servers:
                server.server_close()
            raise AuthenticationError(
                f"Port {port} is not available ({os_error_message(error)})",
                "Stop the program that uses it, or pass another --port and register that redirect "
                "URI with the app",
            ) from None

    def _listen(self, address: str, port: int) -> None:
        try:
            self._servers.append(_Server((address, port), _Handler, self._sign_in))
        except OSError as error:
            # A machine without IPv6 has no second address that another program could serve.
            if not self._servers or error.errno not in _NO_SUCH_ADDRESS:
                raise

    @property
    def ignored_redirects(self) -> int:
        """How many redirects of other sign-ins came."""
        return self._sign_in.ignored_redirects

    def __enter__(self) -> Self:
        """Start serving."""
        for server in self._servers:
            serve = server.serve_forever
            threading.Thread(target=serve, args=(_POLL_SECONDS,), daemon=True).start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        exc_traceback: TracebackType | None,
    ) -> None:
        """Stop serving and close the port."""
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def wait(self, timeout_seconds: float) -> str:
        """Wait for the redirect and return its code.

        Raises:
            AuthenticationError: The redirect holds an error, or did not arrive in time.
        """
        try:
            result = self._sign_in.result.get(timeout=timeout_seconds)
        except queue.Empty:
            raise AuthenticationError(
                f"Timed out after {timeout_seconds:g} s waiting for sign-in. Run "
                "tap-smokeball-login again. If the browser shows an error from Smokeball, fix "
                "that first. If the browser cannot reach the redirect URI, read docs/login.md on "
                "servers without a browser."
            ) from None
        if isinstance(result, AuthenticationError):
            raise result
        return result


class _SignIn:
    """What the servers of one sign-in share: its secrets and its result."""

    def __init__(
        self,
        redirect_uri: str,
        authorization_url: str,
        extract_code: Callable[[str], str],
        warn: Callable[[str], None],
    ) -> None:
        parts = urlsplit(redirect_uri)
        self.redirect_uri = redirect_uri
        self.authorization_url = authorization_url
        self.host = parts.netloc.lower()
        self.callback_path = parts.path or "/"
        self.start_path = f"/start-{secrets.token_urlsafe(32)}"
        self.start_url = f"http://{parts.netloc}{self.start_path}"
        self.cookie = f"tap-smokeball-sign-in={secrets.token_urlsafe(32)}"
        self.result: queue.Queue[str | AuthenticationError] = queue.Queue(1)
        self.ignored_redirects = 0
        self._extract_code = extract_code
        self._warn = warn
        self._lock = threading.Lock()
        self._is_started = False

    def start(self, *, has_cookie: bool) -> bool:
        """Return whether a browser may sign in: the first one only."""
        with self._lock:
            is_allowed, self._is_started = has_cookie or not self._is_started, True
        if not is_allowed:
            self.finish(
                AuthenticationError(
                    "The start page was opened in a second browser, or by somebody else. Nothing "
                    "was saved. Run tap-smokeball-login again and open its URL once."
                )
            )
        return is_allowed

    def code_of(self, uri: str, *, has_cookie: bool) -> str:
        """Return the code of a redirect.

        Raises:
            StateMismatchError: The redirect belongs to another sign-in.
            AuthenticationError: The redirect holds an error.
        """
        if not has_cookie:
            raise self._ignored_redirect()
        try:
            return self._extract_code(uri)
        except StateMismatchError:
            raise self._ignored_redirect() from None

    def _ignored_redirect(self) -> StateMismatchError:
        """Count a redirect, and return the error that rejects it."""
        with self._lock:
            self.ignored_redirects += 1
            is_first = self.ignored_redirects == 1
        if is_first:
            self._warn(
                "Ignored a redirect from another sign-in: its state or its browser does not match. "
                "Continue in the page that you opened last, or run tap-smokeball-login again."
            )
        return StateMismatchError()

    def finish(self, result: str | AuthenticationError) -> None:
        """End the sign-in, unless it has ended."""
        with suppress(queue.Full):  # the browser loaded the page twice
            self.result.put_nowait(result)


class _Server(ThreadingHTTPServer):
    """A server with one thread per connection.

    Browsers open connections that they never use. One of these must not block the others.
    """

    allow_reuse_address = os.name != "nt"  # on Windows, two processes could share a port
    allow_reuse_port = False

    def __init__(self, address: tuple[str, int], handler: type[_Handler], sign_in: _SignIn) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sign_in = sign_in
        super().__init__(address, handler)

    @override
    def server_bind(self) -> None:
        # HTTPServer.server_bind looks up the name of this machine in the network.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a browser may close a connection at any time."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout: ClassVar[float] = _IDLE_TIMEOUT_SECONDS

    def do_GET(self) -> None:
        sign_in = self.server.sign_in
        path = urlsplit(self.path).path
        # DNS rebinding: a page of another site can reach this port, but only by its own host name.
        if self.headers.get("Host", "").lower() != sign_in.host:
            self._respond(
                HTTPStatus.FORBIDDEN, "Wrong host", "Only the redirect URI of the app works here."
            )
        elif sign_in.result.full() or path not in {sign_in.start_path, sign_in.callback_path}:
            self._respond(HTTPStatus.NOT_FOUND, "Not found", "This page does not exist.")
        elif path == sign_in.callback_path:
            self._finish(sign_in)
        elif any("prefetch" in (self.headers.get(name) or "") for name in _PURPOSE_HEADERS):
            self._respond(
                HTTPStatus.SERVICE_UNAVAILABLE, "Not yet", "This page cannot be loaded in advance."
            )
        elif sign_in.start(has_cookie=self._has_cookie()):
            more = {
                "Location": sign_in.authorization_url,
                "Set-Cookie": f"{sign_in.cookie}; Path=/; HttpOnly; SameSite=Lax",
            }
            self._respond(HTTPStatus.FOUND, "Sign in", "Continue at Smokeball.", more)
        else:
            self._respond(
                HTTPStatus.CONFLICT,
                "Already started",
                "Another browser has opened this page, so the sign-in was stopped. If that was not "
                "you, somebody else on this computer tried to take part in it. Run "
                "tap-smokeball-login again.",
            )

    def _finish(self, sign_in: _SignIn) -> None:
        result: str | AuthenticationError
        uri = f"{sign_in.redirect_uri}?{urlsplit(self.path).query}"
        try:
            result = sign_in.code_of(uri, has_cookie=self._has_cookie())
        except StateMismatchError:
            self._respond(
                HTTPStatus.BAD_REQUEST,
                "Different sign-in",
                "This page belongs to another sign-in. Continue in the page that you opened last.",
            )
            return
        except AuthenticationError as error:
            result = error
            title = "Sign-in failed"
            text = "You can close this tab. The terminal shows the reason."
        else:
            title = "Signed in"
            text = "You can close this tab and return to the terminal."
        self._respond(HTTPStatus.OK, title, text)
        sign_in.finish(result)

    def _has_cookie(self) -> bool:
        expected = self.server.sign_in.cookie.encode()
        parts = ";".join(self.headers.get_all("Cookie") or ()).split(";")
        return any(secrets.compare_digest(part.strip().encode(), expected) for part in parts)

    def _respond(
        self, status: HTTPStatus, title: str, text: str, more: dict[str, str] | None = None
    ) -> None:
        page = _PAGE.format(title, text).encode()
        self.send_response(status)
        headers = {**_HEADERS, "Content-Length": str(len(page)), **(more or {})}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the requested URI holds the code."""
