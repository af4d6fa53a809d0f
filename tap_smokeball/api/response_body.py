"""Reads the body of a response in bounded pieces: a small response can unpack to gigabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError

from tap_smokeball.api.unpacking import unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from urllib3 import BaseHTTPResponse

ACCEPT_ENCODING = "gzip"
"""Value of the header ``Accept-Encoding``: what `read_body` can unpack."""

PIECE_BYTES = 1 << 20
PACKED_PIECE_BYTES = 1 << 16

MAX_ERROR_BYTES = 1 << 16
"""Most that is read of the body of an error, which serves the connection and the login alone."""


class BodyTooLargeError(Exception):
    """A body is larger, unpacked, than what may be read."""


class InvalidEncodingError(Exception):
    """A body is not packed as its headers say."""


def read_body(response: BaseHTTPResponse, max_bytes: int) -> bytes:
    """Return the unpacked body of a response that was requested as a stream.

    Args:
        response: The response; it is closed if its body cannot be read.
        max_bytes: Most bytes that the body may have, unpacked.

    Raises:
        BodyTooLargeError: The body has more bytes.
        InvalidEncodingError: The body is not packed as its headers say.
        HTTPError: The connection broke, or was too slow.
    """
    try:
        return _join(_unpacked_pieces(response, max_bytes), max_bytes)
    except ValueError:
        _abandon(response)
        raise InvalidEncodingError from None
    except BaseException:
        _abandon(response)
        raise


def read_error_body(response: BaseHTTPResponse) -> bytes:
    """Return the body of a response whose status says that it failed, or nothing.

    It never fails: the status says all that matters.
    """
    try:
        return read_body(response, MAX_ERROR_BYTES)
    except (BodyTooLargeError, InvalidEncodingError, HTTPError):
        return b""


def _abandon(response: BaseHTTPResponse) -> None:
    """Close the connection of a response whose body is not read to its end."""
    response.close()
    response.release_conn()


def _unpacked_pieces(response: BaseHTTPResponse, max_bytes: int) -> Iterator[bytes]:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in {"gzip", "x-gzip"}:
        return unpack(_pieces(response, PACKED_PIECE_BYTES), PIECE_BYTES)
    if encoding not in {"identity", ""}:
        raise InvalidEncodingError
    length = int(response.headers.get("Content-Length") or 0)
    if length > max_bytes:
        raise BodyTooLargeError
    return _pieces(response, max(length, PIECE_BYTES))  # in one piece, which need not be joined


def _pieces(response: BaseHTTPResponse, size: int) -> Iterator[bytes]:
    while piece := response.read(size, decode_content=False):
        yield piece
        if response.length_remaining == 0:
            return


def _join(pieces: Iterable[bytes], max_bytes: int) -> bytes:
    found: list[bytes] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise BodyTooLargeError
        found.append(piece)
    return found[0] if len(found) == 1 else b"".join(found)
