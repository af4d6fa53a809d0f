"""Redacts secrets from everything that the process writes to standard error.

All output passes one stream: log lines, usage errors, warnings and tracebacks, from this package,
the SDK and any other library. The stream knows the secret settings, every token that was
requested, and the encodings in which they appear. It works on bytes, below text and logging.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import re
import sys
import threading
import traceback
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote, quote_plus, urlsplit

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Buffer

REDACTED = b"***"

MIN_SECRET_LENGTH = 4
"""Characters of the shortest secret. Redacting shorter texts would garble every line."""

_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class Secrets:
    """A set of secrets, which redacts each of them in every encoding."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._encoded: set[bytes] = set()
        self._pattern: re.Pattern[bytes] | None = None

    def add(self, secret: str | None) -> None:
        """Redact a secret from now on."""
        if secret is None or len(secret) < MIN_SECRET_LENGTH:
            return
        with self._lock:
            self._encoded.update(encoding.encode() for encoding in _encodings(secret))
            self._pattern = None

    def redact(self, text: bytes) -> bytes:
        """Return a text with `REDACTED` in place of every secret."""
        with self._lock:
            if self._pattern is None and self._encoded:
                # A secret may begin with another one: the shorter match would leave its end.
                longest_first = sorted(self._encoded, key=len, reverse=True)
                self._pattern = re.compile(b"|".join(map(re.escape, longest_first)))
            pattern = self._pattern
        return pattern.sub(REDACTED, text) if pattern else text


SECRETS = Secrets()
"""The secrets of this process."""


class _RedactingStream(io.BufferedIOBase):
    """Writes redacted lines to a stream.

    It holds back an unfinished line, because two writes can split a secret.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._unfinished_line = b""
        self._lock = threading.RLock()

    @override
    def write(self, data: Buffer, /) -> int:
        size = len(data := bytes(data))
        with self._lock:
            lines, newline, rest = data.rpartition(b"\n")
            if newline:
                self._stream.write(SECRETS.redact(self._unfinished_line + lines + newline))
                self._unfinished_line = b""
            self._unfinished_line += rest
        return size

    @override
    def flush(self) -> None:
        with self._lock:
            if self._unfinished_line:
                self._stream.write(SECRETS.redact(self._unfinished_line))
                self._unfinished_line = b""
            self._stream.flush()

    @override
    def writable(self) -> bool:
        return True

    @override
    def fileno(self) -> int:
        return self._stream.fileno()

    @override
    def isatty(self) -> bool:
        return self._stream.isatty()


def install_redaction() -> None:
    """Redact standard error, and keep client data out of tracebacks."""
    for name in _PROXY_VARIABLES:
        for value in (os.environ.get(name), os.environ.get(name.lower())):
            SECRETS.add(_password(value or ""))
    stream = sys.stderr
    sys.stderr = io.TextIOWrapper(
        _RedactingStream(stream.buffer), stream.encoding, "backslashreplace", line_buffering=True
    )
    sys.excepthook = print_unexpected_error
    threading.excepthook = lambda args: print_unexpected_error(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )


def print_unexpected_error(
    exc_type: type[BaseException], exc_value: BaseException, exc_traceback: TracebackType | None
) -> None:
    """Print a bug's traceback without its message: a `sys.excepthook`.

    At level DEBUG the message is printed, too.
    """
    if issubclass(exc_type, KeyboardInterrupt) or logging.getLogger().isEnabledFor(logging.DEBUG):
        sys.__excepthook__(exc_type, exc_value, exc_traceback)
        return
    # The message of an error may quote the value that caused it, which can be privileged.
    frames = "".join(traceback.format_tb(exc_traceback))
    sys.stderr.write(
        f"This is a bug in tap-smokeball. Please report it with these lines:\n{frames}"
        f"{exc_type.__module__}.{exc_type.__qualname__} (message omitted: it may quote client "
        "data. Set TAP_SMOKEBALL_LOGLEVEL=DEBUG to see it.)\n"
    )


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None


def _encodings(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    yield base64.b64encode(secret.encode()).decode().rstrip("=")
