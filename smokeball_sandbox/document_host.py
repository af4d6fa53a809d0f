"""The host of contents: signed addresses that expire, ranges, and no API key."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from smokeball_sandbox.api import Connection, RequestExchange
from smokeball_sandbox.areas.addresses import INVOICE_BYTES, PATH, signature
from smokeball_sandbox.clock import TICKS_PER_SECOND
from smokeball_sandbox.faults import DOCUMENT_TEMPLATE as TEMPLATE
from smokeball_sandbox.responses import Response, gateway_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

    from smokeball_sandbox.chaos import ChaosMonkey
    from smokeball_sandbox.resources import Data
    from smokeball_sandbox.simulation import Simulation

_BLOCK_BYTES = 1 << 18
_MAX_FAULTY_BYTES = 1 << 24
_VERSION_BYTES = 2_000
_RANGE = re.compile(rb"bytes=(\d+)-(\d*)")
_BEGINNINGS = {
    ".docx": b"PK\x03\x04 [Content_Types].xml word/document.xml ",
    ".eml": b"From: sender@example.com\r\nSubject: A file\r\n\r\n",
    ".msg": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    ".pdf": b"%PDF-1.7\n",
    ".xlsx": b"PK\x03\x04 [Content_Types].xml xl/workbook.xml ",
}


class Content:
    """The content of a document, made of its name, extension and size: equal ones are equal.

    Attributes:
        size: Its size in bytes.
    """

    def __init__(self, name: str, extension: str, size: int) -> None:
        self.size = size
        self._beginning = _BEGINNINGS.get(extension, b"")
        self._block = Random(f"{name}/{extension}/{size}").randbytes(_BLOCK_BYTES)

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of a range."""
        while start < end:
            offset = start % _BLOCK_BYTES
            piece = self._block[offset : offset + end - start]
            if start < len(self._beginning):
                beginning = self._beginning[start:]
                piece = (beginning + piece[len(beginning) :])[: len(piece)]
            yield piece
            start += len(piece)


class DocumentHost:
    """``GET /_documents/{kind}/{id}``."""

    def __init__(self, simulation: Simulation, chaos: ChaosMonkey) -> None:
        self._simulation = simulation
        self._chaos = chaos

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a content, or a range of it."""
        simulation, path = self._simulation, scope["path"]
        connection = Connection(scope, receive, send)
        exchange = RequestExchange(connection, simulation)
        fault = simulation.faults.next_fault(TEMPLATE, path)
        fault = fault or self._chaos.next_fault(TEMPLATE, path)
        await exchange.delay()
        if await exchange.is_broken_by(TEMPLATE, fault):
            return
        found = (fault and fault.response(TEMPLATE, path)) or self._find(connection, path)
        if isinstance(found, Response):
            await exchange.respond(TEMPLATE, found, fault)
            return
        start, end, status, headers = self._range(found, connection)
        if fault is not None and end - start < _MAX_FAULTY_BYTES:
            body = b"".join(found.pieces(start, end))
            if fault.how == "corrupt":
                body = bytes([body[0] ^ 1]) + body[1:]
            if fault.how == "gzip":
                body = gzip.compress(body)
                headers.append((b"content-encoding", b"gzip"))
            media_type = b"application/octet-stream"
            response = Response(status, body, media_type, tuple(headers))
            await exchange.respond(TEMPLATE, response, fault)
            return
        simulation.request_log.record(TEMPLATE, scope, connection.headers, status)
        headers += [
            (b"content-type", b"application/octet-stream"),
            (b"content-length", b"%d" % (end - start)),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for piece in found.pieces(start, end):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _find(self, connection: Connection, path: str) -> Content | Response:
        """Return the content of an address, or the error response."""
        if connection.headers.keys() & {b"authorization", b"x-api-key"}:
            return gateway_response(400, "Only one kind of authorization is allowed")
        kind, _, id_ = path.removeprefix(f"{PATH}/").partition("/")
        query = parse_qs(connection.scope["query_string"].decode("latin-1"))
        issued = int(query.get("issued", ["0"])[0])
        lifetime = int(self._simulation.settings.address_seconds * TICKS_PER_SECOND)
        is_expired = issued + lifetime <= self._simulation.clock.ticks()
        if is_expired or query.get("signature") != [signature(kind, id_, issued)]:
            return gateway_response(403, "Request has expired")
        store = self._simulation.store
        id_, _, version = id_.partition("/")
        row = store.find(store.resources[kind], id_)
        if row is None:
            return gateway_response(404, "No such document")
        return version_content(row.data, version) if version else content_of(kind, row.data)

    def _range(
        self, content: Content, connection: Connection
    ) -> tuple[int, int, int, list[tuple[bytes, bytes]]]:
        tag = hashlib.sha256(repr((content.size, next(content.pieces(0, 64), b""))).encode())
        headers = [(b"etag", b'"%s"' % tag.hexdigest()[:32].encode())]
        requested = _RANGE.fullmatch(connection.headers.get(b"range", b""))
        is_same = connection.headers.get(b"if-range") in {None, headers[0][1]}
        if requested and is_same and self._simulation.settings.ranges:
            start = int(requested[1])
            span = b"bytes %d-%d/%d" % (start, content.size - 1, content.size)
            return start, content.size, 206, [*headers, (b"content-range", span)]
        if content.size <= _MAX_FAULTY_BYTES:
            digest = hashlib.md5(usedforsecurity=False)
            for piece in content.pieces(0, content.size):
                digest.update(piece)
            headers.append((b"content-md5", base64.b64encode(digest.digest())))
        return 0, content.size, 200, headers


def version_content(data: Data, version: str) -> Content:
    """Return the content of an earlier version of a file."""
    size = _VERSION_BYTES + int.from_bytes(version.encode()[-2:], "big") % _VERSION_BYTES
    return Content(f"{data['id']}/{version}", data["fileExtension"], size)


def content_of(kind: str, data: Data) -> Content:
    """Return the content of a file or an invoice."""
    if kind == "invoices":
        return Content(f"{data['id']}/{data['versionId']}", ".pdf", INVOICE_BYTES)
    return Content(data["name"], data["fileExtension"], data["sizeBytes"])
