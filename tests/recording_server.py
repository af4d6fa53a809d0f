"""A local HTTP server that records requests and sends a fixed response."""

from __future__ import annotations

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_smokeball import dotnet_ticks

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self


class RecordedRequest(NamedTuple):
    """One request: this machine's clock in ticks when it arrived, and its body."""

    path: str
    headers: Mapping[str, str]
    arrived: int
    body: bytes


class RecordingServer:
    """Sends the same response to every GET and POST request while the block lasts.

    Args:
        status: Status of the response.
        headers: Its headers, besides ``Date`` and ``Content-Length``.
        body: Its body.
        delay_seconds: Time between the request and its response.

    Attributes:
        url: Address of the server.
        requests: The requests so far.
    """

    def __init__(
        self,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"{}",
        delay_seconds: float = 0,
    ) -> None:
        self.requests: list[RecordedRequest] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def respond(self) -> None:
                arrived = dotnet_ticks.now()
                body_sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = RecordedRequest(self.path, dict(self.headers), arrived, body_sent)
                requests.append(request)
                time.sleep(delay_seconds)
                self.send_response(status)
                for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_CONNECT = respond  # noqa: N815 - names of the base class

            @override
            def log_message(self, format: str, *args: Any) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
