"""Files of records, to which BATCH messages refer: JSON lines, one record a line.

The SDK's own batcher keeps the rows of a file in memory, encodes each with `simplejson`, and
compresses at the slowest level, whatever `compression` says.
"""

from __future__ import annotations

import sys
import zlib
from dataclasses import replace
from itertools import count, islice
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from singer_sdk.batch import BaseBatcher

from tap_smokeball.singer.message_writer import BLOCK_BYTES, encode_json_into

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE_BYTES = 32_000_000
"""A file is closed at this size, before compression, even if it may hold more records."""

GZIP_LEVEL = 1
"""Level 9 took four times the CPU for files that are 29% smaller."""

_GZIP_WINDOW_BITS = 31
"""Of `zlib`: a window of 32 kB, in the format of gzip."""


class JsonLinesBatcher(BaseBatcher):
    """Writes records to files of JSON lines, compressed unless `compression` is ``none``."""

    @override
    def get_batches(self, records: Iterator[dict[str, Any]]) -> Iterator[list[str]]:
        """Yield the URL of each file, once it is complete.

        A file is kept in memory until then: its rows may take hours, longer than a storage keeps an
        upload open.

        Raises:
            OSError: The storage cannot be written.
        """
        is_compressed = self.batch_config.encoding.compression != "none"
        prefix = f"{self.batch_config.storage.prefix or ''}{self.tap_name}--{self.stream_name}"
        suffix = ".json.gz" if is_compressed else ".json"
        file_id = uuid4()
        for number in count(1):
            blocks = _encode_blocks(islice(records, self.batch_config.batch_size))
            content = b"".join(_compress(blocks) if is_compressed else blocks)
            if not content:
                return
            yield [self._write(f"{prefix}-{file_id}-{number}{suffix}", content)]

    def _write(self, name: str, content: bytes) -> str:
        # Here: 6 MB that no other run needs.
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]  # noqa: PLC0415

        storage = self.batch_config.storage
        url: str = storage.get_url(name)
        # The SDK's own method hands a path object to the file system, which not all of them take.
        system, path = url_to_fs(url, **storage.params)
        system.makedirs(url_to_fs(url.rpartition("/")[0], **storage.params)[1], exist_ok=True)
        with system.transaction, system.open(path, "wb") as output:
            output.write(content)
        return url


def complete_encoding(encoding: Any) -> Any:
    """Return an encoding with the compression that the files have.

    A target reads files as plain text if the message names no compression.
    """
    return replace(encoding, compression=encoding.compression or "gzip")


def _encode_blocks(records: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """Yield the lines of records in blocks, until there are none or their size is the limit."""
    block, size = bytearray(), 0
    for record in records:
        encode_json_into(record, block, -1)
        block += b"\n"
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            size += len(block)
            block.clear()
            if size >= MAX_FILE_BYTES:
                return
    if block:
        yield bytes(block)


def _compress(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a gzip file, or nothing if there are no blocks."""
    compressor = zlib.compressobj(GZIP_LEVEL, wbits=_GZIP_WINDOW_BITS)
    has_blocks = False
    for block in blocks:
        has_blocks = True
        yield compressor.compress(block)
    if has_blocks:
        yield compressor.flush()
