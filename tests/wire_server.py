"""A local HTTP or HTTPS server that sends bytes as they are given, and records requests."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import closing, suppress
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

PIECE_SECONDS = 0.02
"""Time between two pieces of a response: they arrive apart."""


class WireRequest(NamedTuple):
    """A request: the number of its connection, and its head."""

    connection: int
    head: bytes


class WireServer:
    """Sends the pieces of one response after another, and closes the connection after a None.

    It also plays a proxy: to a CONNECT request it sends 200, then serves the tunnel.

    Args:
        responses: The pieces of each response.
        certificate: PEM file of `tests.tls_server.create_certificate`, for HTTPS.

    Attributes:
        url: Address of the server.
        requests: The requests so far.
    """

    def __init__(
        self, responses: Iterable[Iterable[bytes | None]], certificate: Path | None = None
    ) -> None:
        self.requests: list[WireRequest] = []
        self._responses: Iterator[Iterable[bytes | None]] = iter(responses)
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()

    def _serve(self) -> None:
        for number in count(1):
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(raw, number), daemon=True).start()

    def _answer(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), closing(connection):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                first = connection.recv(7, socket.MSG_PEEK)
                if first == b"CONNECT":
                    self._read_head(connection, number)
                    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                connection = self._context.wrap_socket(connection, server_side=True)
            with closing(connection):
                while self._read_head(connection, number):
                    for index, piece in enumerate(next(self._responses)):
                        if piece is None:
                            return
                        if index:
                            time.sleep(PIECE_SECONDS)
                        connection.sendall(piece)

    def _read_head(self, connection: socket.socket, number: int) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (data := connection.recv(65_536)):
                return b""
            head += data
        self.requests.append(WireRequest(number, head))
        return head
