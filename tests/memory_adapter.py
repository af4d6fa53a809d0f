"""Calls an ASGI application instead of sending a request: the transport of `MemoryFirm`."""

from __future__ import annotations

import asyncio
import sys
import threading
from functools import cache
from http.client import IncompleteRead
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message

ADAPTERS: dict[str, BaseAdapter] = {}
"""An adapter for each firm of this process, by address; `tests.harness` mounts them."""


class MemoryResponse(NamedTuple):
    """What the application sent until it ended or broke the connection."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class MemoryBody(BytesIO):
    """The body of a response, read as `http.client.HTTPResponse` is."""

    def __init__(self, body: bytes, promised_bytes: int) -> None:
        super().__init__(body)
        self._missing_bytes = promised_bytes - len(body)

    def isclosed(self) -> bool:
        return self.closed or self.tell() == len(self.getbuffer())

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if self._missing_bytes > 0 and self.isclosed():
            raise IncompleteRead(data, self._missing_bytes)
        return data


class MemoryConnection:
    """The connection of one request, in place of uvicorn's.

    A fault breaks it by the methods of `asyncio.Transport` that the sandbox calls.
    """

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._disconnected = asyncio.Event()
        self.response: MemoryResponse | None = None

    def get_extra_info(self, name: str) -> MemoryConnection:
        assert name == "socket"
        return self

    def setsockopt(self, *_: Any) -> None:
        """Ignore options of a socket."""

    def abort(self) -> None:
        self.response = None
        self._disconnected.set()

    def close(self) -> None:
        self._disconnected.set()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body}
        await self._disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in message["headers"]]
            self.response = MemoryResponse(message["status"], headers, b"")
        elif self.response is not None:
            body = self.response.body + message.get("body", b"")
            self.response = self.response._replace(body=body)


class MemoryAdapter(BaseAdapter):
    """Answers requests by an application that runs in a thread of this process.

    All applications share the thread, as those of a server share its event loop.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app
        self._http = HTTPAdapter()

    @override
    def send(
        self, request: requests.PreparedRequest, *_: Any, timeout: Any = None, **__: Any
    ) -> requests.Response:
        body = request.body or b""
        try:
            response = self.call(
                str(request.method),
                str(request.url),
                body if isinstance(body, bytes) else str(body).encode(),
                request.headers,
                timeout,
            )
        except TimeoutError:
            raise requests.ReadTimeout(request=request) from None
        if response is None:
            raise requests.ConnectionError(request=request)
        headers = HTTPHeaderDict(response.headers)
        raw = HTTPResponse(
            MemoryBody(response.body, int(headers.get("Content-Length", 0))),
            headers,
            response.status,
            preload_content=False,
            request_method=request.method,
        )
        return self._http.build_response(request, raw)

    @override
    def close(self) -> None:
        """Keep the application: a session closes its adapters, and others use this one."""

    def call(
        self,
        method: str,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout_seconds: float | None = None,
    ) -> MemoryResponse | None:
        """Return the application's response, or None if it broke the connection.

        Raises:
            TimeoutError: The application took too long.
        """
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(parts.path),
            "query_string": parts.query.encode(),
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in headers.items()
            ],
        }
        call = asyncio.run_coroutine_threadsafe(
            asyncio.wait_for(self._respond(scope, body), timeout_seconds), _event_loop()
        )
        try:
            return call.result()
        except asyncio.TimeoutError:
            raise TimeoutError from None

    async def _respond(self, scope: dict[str, Any], body: bytes) -> MemoryResponse | None:
        connection = MemoryConnection(body)
        scope["state"] = {"transport": connection}
        await self._app(scope, connection.receive, connection.send)
        return connection.response


@cache
def _event_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="memory-firms", daemon=True).start()
    return loop
