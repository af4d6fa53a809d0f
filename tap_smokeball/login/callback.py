"""Where the browser comes back to: a server for one answer, on this machine's own address."""

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

from tap_smokeball.errors import AuthenticationError, reason
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

LISTENS = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "::1": "::1"}
"""Host of a redirect URI -> address to listen at. A browser tries both of localhost's."""

_IDLE_SECONDS = 10
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


class Callback:
    """Listens, from the beginning of a ``with`` block to its end.

    Args:
        redirect_uri: The address, at one of the hosts in `LISTENS`.
        read: Takes the address with what the browser brought and returns the code in it; raises
            `StateMismatchError`, which is turned away, or `AuthenticationError`, which ends it.
        warn: Is told of answers that were turned away.

    Raises:
        AuthenticationError: The port cannot be listened at.
    """

    def __init__(
        self, redirect_uri: str, read: Callable[[str], str], warn: Callable[[str], None]
    ) -> None:
        parts = urlsplit(redirect_uri)
        port = parts.port or 80
        try:
            self._server = _Server((LISTENS[parts.hostname or ""], port), _Handler)
        except OSError as error:
            raise AuthenticationError(
                f"Port {port} cannot be listened at ({reason(error)}): end what uses it, or "
                "choose another by --port, and register that redirect URI with the app"
            ) from None
        self._server.redirect_uri = redirect_uri
        self._server.read = read
        self._server.warn = warn

    def __enter__(self) -> Self:
        """Begin to listen."""
        listening = self._server.serve_forever
        threading.Thread(target=listening, args=(_POLL_SECONDS,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> str:
        """Return the code, once the browser has brought it.

        Raises:
            AuthenticationError: It brought an error, or did not come back in time.
        """
        try:
            result = self._server.result.get(timeout=seconds)
        except queue.Empty:
            raise AuthenticationError(
                f"Nobody signed in within {seconds:g} s: run tap-smokeball-login again. If the "
                "browser shows an error of Smokeball's, it names the reason; if it cannot reach "
                "the redirect URI, see the documentation on servers without a browser"
            ) from None
        if isinstance(result, AuthenticationError):
            raise result
        return result


class _Server(ThreadingHTTPServer):
    """Has a thread for each connection: browsers open some that they never use."""

    allow_reuse_address = os.name != "nt"  # on Windows, two could have one port
    allow_reuse_port = False
    redirect_uri: str
    read: Callable[[str], str]
    warn: Callable[[str], None]

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.result: queue.Queue[str | AuthenticationError] = queue.Queue(1)
        super().__init__(address, handler)

    @override
    def server_bind(self) -> None:
        # Not HTTPServer's, which asks the network for a name of this machine.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser that hangs up is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout: ClassVar[float] = _IDLE_SECONDS

    def do_GET(self) -> None:
        expected = urlsplit(self.server.redirect_uri)
        came = urlsplit(self.path)
        # A page elsewhere can make a browser call this machine, but not by this name.
        if self.headers.get("Host", "").lower() != expected.netloc.lower():
            self._answer(HTTPStatus.FORBIDDEN, "Not here", "This is not the address to come to.")
            return
        if came.path != (expected.path or "/") or self.server.result.full():
            self._answer(HTTPStatus.NOT_FOUND, "Nothing here", "There is no such page.")
            return
        result: str | AuthenticationError
        try:
            result = self.server.read(f"{self.server.redirect_uri}?{came.query}")
        except StateMismatchError:
            self._answer(
                HTTPStatus.BAD_REQUEST,
                "Not this sign-in",
                "This page belongs to another sign-in. Go on in the one that was opened last.",
            )
            self.server.warn(
                "An answer to another sign-in was turned away (its state is not ours). Go on in "
                "the page that was opened last, or run tap-smokeball-login again"
            )
            return
        except AuthenticationError as error:
            result = error
            title, text = "Not signed in", "The terminal tells why, and what to do."
        else:
            title, text = "Thank you", "The terminal tells the rest."
        self._answer(HTTPStatus.OK, title, f"{text} You can close this window.")
        with suppress(queue.Full):  # a page that is loaded twice
            self.server.result.put_nowait(result)

    def _answer(self, status: HTTPStatus, title: str, text: str) -> None:
        page = _PAGE.format(title, text).encode()
        self.send_response(status)
        for name, value in (_HEADERS | {"Content-Length": str(len(page))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the address holds the code."""
