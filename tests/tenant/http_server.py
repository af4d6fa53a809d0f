"""Serves a tenant over HTTP, for runs of the tap as a process."""

from __future__ import annotations

import socket
import struct
import sys
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.tenant.api import Tenant

_RESET = struct.pack("ii", 1, 0)


@contextmanager
def serve(tenant: Tenant, port: int = 0) -> Iterator[Thread]:
    """Serve a tenant at a port of this machine; ``tenant.url`` becomes its address.

    Yields:
        The thread that serves it.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._respond()

        def do_POST(self) -> None:
            self._respond()

        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = tenant.handle(self.command, self.path, dict(self.headers), body)
            time.sleep(reply.wait_seconds)
            if not reply.status:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                self.close_connection = True
                self.connection.close()
                return
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(reply.promised_bytes))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection |= len(reply.body) < reply.promised_bytes

        @override
        def log_message(self, *_: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        @override
        def handle_error(self, *_: object) -> None:
            """Ignore clients that are killed."""

    with Server(("127.0.0.1", port), Handler) as server:
        tenant.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield thread
        finally:
            server.shutdown()
