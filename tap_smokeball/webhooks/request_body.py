"""Reads the body of a request, within limits that hold while it streams."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_BODY_BYTES = 1_048_576
"""Bytes of the largest body. Deliveries that were seen had 4 to 9 KB."""

_SMALL_BYTES = 65_536
_MAX_LARGE_BYTES = 4 * MAX_BODY_BYTES
_DISCARD_SECONDS = 1


class BodyTooLargeError(Exception):
    """A body is larger than `MAX_BODY_BYTES`."""


class NoRoomError(Exception):
    """Large bodies fill the memory that they may have together."""


class DisconnectedError(Exception):
    """The connection ended before the body did, or was too slow."""


class BodyReader:
    """Reads bodies. Small ones always have room, large ones share `_MAX_LARGE_BYTES`."""

    def __init__(self) -> None:
        self._large_bytes = 0

    async def read(self, request: Request) -> bytes:
        """Return the body.

        Raises:
            BodyTooLargeError: It is too large.
            NoRoomError: It is large, and other large ones are being read.
            DisconnectedError: The connection ended.
        """
        size = reserved = 0
        chunks: list[bytes] = []
        try:
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise DisconnectedError
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                if size > MAX_BODY_BYTES:
                    raise BodyTooLargeError
                wanted = max(0, size - _SMALL_BYTES) - reserved
                if self._large_bytes + wanted > _MAX_LARGE_BYTES:
                    raise NoRoomError
                reserved += wanted
                self._large_bytes += wanted
                if not message.get("more_body", False):
                    return b"".join(chunks)
        finally:
            self._large_bytes -= reserved


async def discard_small_body(request: Request, length: int) -> None:
    """Read a small body to its end, so that the client gets the response and not a reset.

    Args:
        request: A request whose body is not read yet.
        length: Its bytes by its header.
    """
    if not 0 < length <= _SMALL_BYTES:
        return

    async def read_chunks() -> None:
        while (message := await request.receive())["type"] == "http.request":
            if not message.get("more_body", False):
                return

    try:
        await asyncio.wait_for(read_chunks(), _DISCARD_SECONDS)
    except asyncio.TimeoutError:
        return
