"""Unpacks bodies that a host packed although it was asked not to."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PACKED = frozenset({"gzip", "x-gzip", "deflate"})
"""Values of ``Content-Encoding`` that are understood, besides ``identity``."""

PIECE_BYTES = 1 << 18
_ANY_HEADER = zlib.MAX_WBITS | 32


def unpack(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield an unpacked body, in pieces of limited size: a small body may unpack to a huge one.

    Raises:
        ValueError: It is not packed as its header says, or incomplete.
    """
    decoder = zlib.decompressobj(_ANY_HEADER)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if decoder.eof:  # a body may have several members
                    decoder = zlib.decompressobj(_ANY_HEADER)
                yield decoder.decompress(rest, PIECE_BYTES)
                rest = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    except zlib.error:
        raise ValueError("the body cannot be unpacked") from None
    if not decoder.eof:
        raise ValueError("the packed body is incomplete")
