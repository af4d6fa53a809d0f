"""Unpacks bodies in pieces of limited size: a small body can unpack to gigabytes."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GZIP = zlib.MAX_WBITS | 16
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


def unpack(packed: Iterable[bytes], piece_bytes: int, formats: int = GZIP) -> Iterator[bytes]:
    """Yield the content of a packed body; a body may have several members, or none.

    Args:
        packed: The body.
        piece_bytes: Most bytes of a piece of the content.
        formats: `GZIP` or `GZIP_OR_ZLIB`.

    Raises:
        ValueError: It is not packed in such a format, or incomplete.
    """
    member = None
    try:
        for data in packed:
            rest = data
            while rest:
                member = member or zlib.decompressobj(formats)
                yield member.decompress(rest, piece_bytes)
                rest = member.unused_data if member.eof else member.unconsumed_tail
                if member.eof:
                    member = None
    except zlib.error:
        raise ValueError("the body cannot be unpacked") from None
    if member is not None:
        raise ValueError("the packed body is incomplete")
