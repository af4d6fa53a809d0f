"""Writes Singer messages: fast, and flushed where it matters."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage

from tap_smokeball.errors import reason

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from singer_sdk.singerlib import Message

_logger = logging.getLogger("tap-smokeball")


class Writer(MsgSpecWriter):
    """Writes messages to standard output; a SCHEMA or STATE pushes out what waits before it.

    The SDK flushes after each record, which costs more than making it. A STATE follows within
    seconds, so the target is never kept waiting for long.
    """

    @override
    def write_message(self, message: Message) -> None:
        try:
            sys.stdout.buffer.write(self.format_message(message))
            if not isinstance(message, RecordMessage):
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
