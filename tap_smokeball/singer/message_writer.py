"""Writes Singer messages: fast, and flushed where it matters."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import weakref
from datetime import datetime  # noqa: TC003 - msgspec reads the annotation
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
from singer_sdk.singerlib import RecordMessage as SdkRecordMessage
from singer_sdk.singerlib import StateMessage
from singer_sdk.singerlib.encoding import GenericSingerWriter

from tap_smokeball.errors import os_error_message

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from singer_sdk.singerlib import Message

BLOCK_BYTES = 1 << 16
"""Output is written in blocks of about this size."""

MAX_BUFFER_AGE_SECONDS = 1.0
"""How long output may wait for its block to fill, unless a STATE flushes it before."""

# Decimals are written as the numbers that they are, so that no amount passes through a float.
_encoder = msgspec.json.Encoder(enc_hook=str, decimal_format="number")

encode_json = _encoder.encode
encode_json_into = _encoder.encode_into


class OutputClosedError(BaseException):
    """Standard output cannot be written, so the run ends.

    Not an `Exception`: no handler may take it for the failure of one stream.
    """


class RecordMessage(msgspec.Struct, tag_field="type", tag="RECORD", omit_defaults=True):
    """A RECORD message in the form that is encoded fastest."""

    stream: str
    record: dict[str, Any]
    version: int | None = None
    time_extracted: datetime | None = None


class BufferedMessageWriter(GenericSingerWriter[bytearray, "Message"]):
    """Writes messages to standard output in blocks; SCHEMA and STATE flush the buffer.

    The SDK's writers flush after each record, which costs more than to build it. Call
    `flush_if_stale` before a wait for rows, so that the target gets those that are there.

    Attributes:
        is_muted: Whether messages are dropped: a test of the connection shows no client data.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_muted = False
        self._buffer = bytearray()
        self._last_state: bytes | None = None
        self._flushed_at = time.monotonic()
        weakref.finalize(self, _flush_at_exit, self._buffer)

    @override
    def serialize_message(self, message: Message) -> bytearray:
        line = bytearray()
        _encode_line(message, line)
        if isinstance(message, StateMessage):
            self._last_state = bytes(line)
        return line

    @override
    def write_message(self, message: Message) -> None:
        if self.is_muted:
            return
        buffer = self._buffer
        kind: type = type(message)
        if kind is RecordMessage:  # first, and without a call: the path of most messages
            encode_json_into(message, buffer, -1)
            buffer += b"\n"
            if len(buffer) >= BLOCK_BYTES:
                self.flush()
            return
        buffer += self.serialize_message(message)
        if len(buffer) >= BLOCK_BYTES or not isinstance(message, SdkRecordMessage):
            self.flush()

    def repeat_state(self) -> None:
        """Write the last STATE again: a target may keep none that records follow.

        target-jsonl forgets it at each record. This is a copy of what was written: the tap's own
        state may have moved on since.
        """
        if self._last_state is not None:
            self.write_message(StateMessage(msgspec.json.decode(self._last_state)["value"]))

    def flush_if_stale(self) -> None:
        """Write out the buffer if its oldest message has waited for long."""
        if self._buffer and time.monotonic() - self._flushed_at >= MAX_BUFFER_AGE_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write out the buffer.

        Raises:
            OutputClosedError: Standard output cannot be written.
        """
        self._flushed_at = time.monotonic()
        _write_out(self._buffer)


def _encode_line(message: Message, line: bytearray) -> None:
    content = message if isinstance(message, RecordMessage) else message.to_dict()
    encode_json_into(content, line, -1)
    line += b"\n"


def _flush_at_exit(buffer: bytearray) -> None:
    with contextlib.suppress(OutputClosedError):  # the exit status is decided by now
        _write_out(buffer)


def _write_out(buffer: bytearray) -> None:
    if not buffer:
        return
    rest = memoryview(bytes(buffer))
    buffer.clear()  # first: a write that failed must not be repeated
    try:
        # Without a buffer (python -u), a signal can cut a write short.
        while rest:
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _close_output("The target closed the pipe; its log says why. Run again to resume")
    except OSError as error:
        reason = os_error_message(error)
        _close_output(f"Standard output cannot be written ({reason}). Run again to resume")


def _close_output(message: str) -> NoReturn:
    # What is still buffered must not be written again when the interpreter ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise OutputClosedError(message)
