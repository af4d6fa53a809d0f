"""A local HTTPS server whose first response breaks in the middle of a TLS record."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

BODY = b'{"id": "1"}'
_HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY)
_BROKEN_RECORD = b"\x17\x03\x03\x00\x20" + b"x" * 32


def create_certificate(folder: Path) -> Path:
    """Create a certificate for 127.0.0.1 and its key, in one PEM file."""
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = "-subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    files = f"-keyout {key.name} -out {certificate.name}"
    subprocess.run(
        f"{command} {names} {files}".split(), cwd=folder, check=True, capture_output=True
    )
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both


class TlsServer:
    """Sends the same response to each request, but breaks the first ones.

    Args:
        certificate: PEM file of `create_certificate`.
        broken: Number of responses that break in their body.

    Attributes:
        url: Address of the server.
        connections: Connections so far, with or without a request.
    """

    def __init__(self, certificate: Path, broken: int = 0) -> None:
        self.connections = 0
        self._broken = broken
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"

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
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with (
                suppress(OSError),  # also when the client rejects the certificate
                self._context.wrap_socket(raw, server_side=True) as connection,
            ):
                self._respond(connection)

    def _respond(self, connection: ssl.SSLSocket) -> None:
        connection.recv(65_536)
        if self.connections > self._broken:
            connection.sendall(_HEAD + BODY)
            return
        connection.sendall(_HEAD + BODY[:4])
        os.write(connection.fileno(), _BROKEN_RECORD)
