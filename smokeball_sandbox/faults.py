"""Faults on demand: error statuses, broken connections and malformed responses."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import time
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from smokeball_sandbox.responses import (
    Response,
    gateway_response,
    json_response,
    problem_response,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

TOKEN_TEMPLATE = "POST /oauth2/token"  # noqa: S105
DOCUMENT_TEMPLATE = "GET /_documents/{kind}/{id}"
_GATEWAY_STATUSES = {401, 403, 429, 502, 503, 504}
_HTML = b"<!DOCTYPE html><html><body><h1>Down for maintenance</h1></body></html>"
DRIP_EVERY_SECONDS = 0.1
_LINGER_ZERO = struct.pack("ii", 1, 0)


class Fault(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One rule: which requests fail, and how.

    Attributes:
        count: Number of requests that fail.
        how: The kind of failure; "corrupt" changes a byte of a document, "gzip" packs it.
        status: Status of the response, for "status".
        retry_after: Seconds in the ``Retry-After`` header, or any text; None omits the header.
        location: The ``Location`` header of a redirect; empty omits the header.
        template: Method and path template; None matches all endpoints of the API.
        path_contains: Text that the path must contain.
        after: Number of matching requests that succeed first.
        seconds: Duration of "hang", "slow" and "drip"; lead of the ``Date`` header of "wild_date".
        body: Body of the response with status 200, for "body".
    """

    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    how: Literal[
        "status",
        "reset",
        "truncate",
        "html",
        "error_document",
        "empty",
        "body",
        "hang",
        "slow",
        "drip",
        "drip_headers",
        "gzip_bomb",
        "endless",
        "wild_date",
        "corrupt",
        "gzip",
    ] = "status"
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 503
    retry_after: int | str | None = None
    location: str = ""
    template: str | None = None
    path_contains: str = ""
    after: int = 0
    seconds: float = 30
    body: str = ""

    def matches(self, template: str, path: str) -> bool:
        """Return whether the rule applies to a request."""
        of_api = template not in {TOKEN_TEMPLATE, DOCUMENT_TEMPLATE}
        named = of_api if self.template is None else template == self.template
        return named and self.path_contains in path

    def response(self, template: str, path: str) -> Response | None:
        """Return the response that replaces the real one, if any does."""
        if self.how == "html":
            return Response(200, _HTML, b"text/html")
        if self.how == "error_document":
            return json_response({"message": "Internal server error"})
        if self.how in {"body", "empty"}:
            return Response(200, self.body.encode())
        if self.how == "gzip_bomb":
            return _gzip_bomb()
        if self.how != "status":
            return None
        if template == TOKEN_TEMPLATE:
            response = json_response({"error": "server_error"}, self.status)
        elif self.status in _GATEWAY_STATUSES:
            response = gateway_response(self.status)
        else:
            response = problem_response(self.status, "The sandbox injected this fault.", path)
        if self.retry_after is not None:
            header = (b"retry-after", str(self.retry_after).encode())
            response = response._replace(headers=(*response.headers, header))
        if self.location:
            header = (b"location", self.location.encode())
            response = response._replace(headers=(*response.headers, header))
        return response


@cache
def _gzip_bomb() -> Response:
    """Return a response of 65 kB that unpacks to 67 MB of JSON."""
    bomb = gzip.compress(b'{"value":[' + b" " * (1 << 26) + b"]}")
    return Response(200, bomb, headers=((b"content-encoding", b"gzip"),))


class FaultInjector:
    """The active fault rules, oldest first."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Append a rule."""
        self._rules.append(fault)

    def clear(self) -> None:
        """Remove all rules."""
        self._rules.clear()

    def next_fault(self, template: str, path: str) -> Fault | None:
        """Return the fault that applies to this request, and count it."""
        for rule in self._rules:
            if not rule.matches(template, path):
                continue
            if rule.after > 0:
                rule.after -= 1
                continue
            rule.count -= 1
            if rule.count <= 0:
                self._rules.remove(rule)
            return rule
        return None


async def wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def reset(scope: Scope, receive: Receive) -> None:
    """Reset the connection without a response."""
    transport: asyncio.Transport = scope["state"]["transport"]
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    transport.abort()
    await wait_for_disconnect(receive)


async def hang(scope: Scope, receive: Receive, seconds: float) -> None:
    """Send nothing until the client disconnects or the time is up."""
    try:
        await asyncio.wait_for(wait_for_disconnect(receive), seconds)
    except asyncio.TimeoutError:
        await reset(scope, receive)


async def drip(scope: Scope, receive: Receive, seconds: float, *, in_headers: bool) -> None:
    """Send an empty page byte by byte, in its headers or its body, until the time is up."""
    transport: asyncio.Transport = scope["state"]["transport"]
    start = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
    transport.write(start + (b"X-Padding: " if in_headers else b"\r\n"))
    disconnected = asyncio.ensure_future(wait_for_disconnect(receive))
    ends_at = time.monotonic() + seconds
    while not disconnected.done() and time.monotonic() < ends_at:
        transport.write(b" ")
        await asyncio.wait([disconnected], timeout=DRIP_EVERY_SECONDS)
    transport.write((b"\r\n\r\n" if in_headers else b"") + b'{"value": []}')
    transport.close()
    disconnected.cancel()


async def endless(receive: Receive, send: Send) -> None:
    """Send a body until the client disconnects."""
    start = {"type": "http.response.start", "status": 200, "headers": []}
    await send(start)
    disconnected = asyncio.ensure_future(wait_for_disconnect(receive))
    piece = {"type": "http.response.body", "body": b" " * 65_536, "more_body": True}
    while not disconnected.done():
        await send(piece)
        await asyncio.sleep(0)


async def truncate(
    scope: Scope,
    receive: Receive,
    send: Send,
    headers: list[tuple[bytes, bytes]],
    response: Response,
) -> None:
    """Send the headers and half of the body, then close the connection."""
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    half = response.body[: len(response.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    transport: asyncio.Transport = scope["state"]["transport"]
    transport.close()
    await wait_for_disconnect(receive)
