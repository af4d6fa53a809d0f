"""Writes Singer messages: fast, and flushed where it matters."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
import weakref
from datetime import datetime  # noqa: TC003 - msgspec reads the annotation
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.singerlib import RecordMessage

from tap_smokeball.errors import reason

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from singer_sdk.singerlib import Message

BLOCK_BYTES = 1 << 16
"""Output is written in blocks of about this size."""

LONGEST_WAIT_SECONDS = 1.0
"""How long output may wait for its block to fill, where no STATE pushes it out before."""

_logger = logging.getLogger("tap-smokeball")


class Record(msgspec.Struct, tag_field="type", tag="RECORD", omit_defaults=True):
    """A RECORD message, as the encoder takes it fastest."""

    stream: str
    record: dict[str, Any]
    version: int | None = None
    time_extracted: datetime | None = None


class BufferedMessageWriter(MsgSpecWriter):
    """Writes messages to standard output in blocks; a SCHEMA or STATE pushes out what waits.

    The SDK flushes after each record, which costs more than making it. Where rows only trickle in,
    whoever is about to wait for more calls `tend`, so that the target is not kept waiting.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()
        self._pushed = time.monotonic()
        weakref.finalize(self, _finish, self._waiting)  # at the end of the process, too

    @override
    def serialize_message(self, message: Message) -> bytearray:
        line = bytearray()
        encoder.encode_into(message if isinstance(message, Record) else message.to_dict(), line)
        line += b"\n"
        return line

    @override
    def write_message(self, message: Message) -> None:
        waiting = self._waiting
        encoder.encode_into(
            message if isinstance(message, Record) else message.to_dict(), waiting, -1
        )
        waiting += b"\n"
        if len(waiting) >= BLOCK_BYTES or not isinstance(message, (Record, RecordMessage)):
            self.flush()

    def tend(self) -> None:
        """Push out what waits, if it has waited for long."""
        if self._waiting and time.monotonic() - self._pushed >= LONGEST_WAIT_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Push out what waits."""
        self._pushed = time.monotonic()
        _push(self._waiting)


def _finish(waiting: bytearray) -> None:
    with contextlib.suppress(SystemExit):  # the exit status is settled by now
        _push(waiting)


def _push(waiting: bytearray) -> None:
    if not waiting:
        return
    rest = memoryview(bytes(waiting))
    waiting.clear()  # first: what fails must not be tried again
    try:
        # Without a buffer (python -u), a signal can cut a write short.
        while rest:
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _give_up("The target has closed the pipe: its own log tells why. Run again to go on")
    except OSError as error:
        _give_up(f"Standard output cannot be written: {reason(error)}. Run again to go on")


def _give_up(message: str) -> NoReturn:
    # What is still buffered must not be tried again when the interpreter ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    _logger.error(message)
    sys.exit(1)
