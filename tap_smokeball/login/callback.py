"""The callback server: receives the redirect of one sign-in at a loopback address."""

from __future__ import annotations

import os
import queue
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

LOOPBACK_ADDRESSES = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "::1": "::1"}
"""Host of a redirect URI -> address to bind. Browsers try both addresses of localhost."""

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

    Args:
        redirect_uri: A URI with one of the hosts in `LOOPBACK_ADDRESSES`.
        extract_code: Returns the code in the requested URI. A `StateMismatchError` rejects that
            request only; an `AuthenticationError` ends the sign-in.
        warn: Receives a warning for each redirect of another sign-in.

    Raises:
        AuthenticationError: The port is not available.
    """

    def __init__(
        self, redirect_uri: str, extract_code: Callable[[str], str], warn: Callable[[str], None]
    ) -> None:
        parts = urlsplit(redirect_uri)
        port = parts.port or 80
        try:
            self._server = _Server((LOOPBACK_ADDRESSES[parts.hostname or ""], port), _Handler)
        except OSError as error:
            raise AuthenticationError(
                f"Port {port} is not available ({os_error_message(error)})",
                "Stop the program that uses it, or pass another --port and register that redirect "
                "URI with the app",
            ) from None
        self._server.redirect_uri = redirect_uri
        self._server.extract_code = extract_code
        self._server.warn = warn

    def __enter__(self) -> Self:
        """Start serving."""
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(_POLL_SECONDS,), daemon=True).start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        exc_traceback: TracebackType | None,
    ) -> None:
        """Stop serving and close the port."""
        self._server.shutdown()
        self._server.server_close()

    def wait(self, timeout_seconds: float) -> str:
        """Wait for the redirect and return its code.

        Raises:
            AuthenticationError: The redirect holds an error, or did not arrive in time.
        """
        try:
            result = self._server.result.get(timeout=timeout_seconds)
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


class _Server(ThreadingHTTPServer):
    """A server with one thread per connection.

    Browsers open connections that they never use. One of these must not block the others.
    """

    allow_reuse_address = os.name != "nt"  # on Windows, two processes could share a port
    allow_reuse_port = False
    redirect_uri: str
    extract_code: Callable[[str], str]
    warn: Callable[[str], None]

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.result: queue.Queue[str | AuthenticationError] = queue.Queue(1)
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
        expected = urlsplit(self.server.redirect_uri)
        requested = urlsplit(self.path)
        # DNS rebinding: a page of another site can reach this port, but only by its own host name.
        if self.headers.get("Host", "").lower() != expected.netloc.lower():
            self._respond(
                HTTPStatus.FORBIDDEN, "Wrong host", "Only the redirect URI of the app works here."
            )
            return
        if requested.path != (expected.path or "/") or self.server.result.full():
            self._respond(HTTPStatus.NOT_FOUND, "Not found", "This page does not exist.")
            return
        result: str | AuthenticationError
        try:
            result = self.server.extract_code(f"{self.server.redirect_uri}?{requested.query}")
        except StateMismatchError:
            self._respond(
                HTTPStatus.BAD_REQUEST,
                "Different sign-in",
                "This page belongs to another sign-in. Continue in the page that you opened last.",
            )
            self.server.warn(
                "Ignored a redirect from another sign-in: its state does not match. Continue in "
                "the page that you opened last, or run tap-smokeball-login again."
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
        with suppress(queue.Full):  # the browser loaded the page twice
            self.server.result.put_nowait(result)

    def _respond(self, status: HTTPStatus, title: str, text: str) -> None:
        page = _PAGE.format(title, text).encode()
        self.send_response(status)
        for name, value in (_HEADERS | {"Content-Length": str(len(page))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the requested URI holds the code."""
