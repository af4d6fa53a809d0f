"""Keeps secrets out of everything that the process writes to standard error.

Whatever is said passes one filter: log lines, usage errors, warnings and what ends a process, by
this package, the SDK or any other library. It knows the secret settings, every token that is
minted, and the forms in which they travel. It sits below text and below logging, on the bytes.
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

HIDDEN = b"***"

SHORTEST = 4
"""Characters below which a text is no secret: hiding it would garble every line."""


class Secrets:
    """What must not be seen, in all forms that it may take."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._forms: set[bytes] = set()
        self._pattern: re.Pattern[bytes] | None = None

    def add(self, secret: str | None) -> None:
        """Hide a text from now on."""
        if secret is None or len(secret) < SHORTEST:
            return
        with self._lock:
            self._forms.update(form.encode() for form in _forms(secret))
            self._pattern = None

    def hide(self, text: bytes) -> bytes:
        """Return a text without the secrets in it."""
        with self._lock:
            if self._pattern is None and self._forms:
                # The longest first: one that begins with another must not show its end.
                longest_first = sorted(self._forms, key=len, reverse=True)
                self._pattern = re.compile(b"|".join(map(re.escape, longest_first)))
            pattern = self._pattern
        return pattern.sub(HIDDEN, text) if pattern else text


SECRETS = Secrets()
"""The secrets of this process."""


class _Filter(io.BufferedIOBase):
    """Passes bytes on by the line, so that no secret is missed because it came in two pieces."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._rest = b""
        self._lock = threading.RLock()

    @override
    def write(self, data: Buffer, /) -> int:
        size = len(data := bytes(data))
        with self._lock:
            lines, end, rest = data.rpartition(b"\n")
            if end:
                self._stream.write(SECRETS.hide(self._rest + lines + end))
                self._rest = b""
            self._rest += rest
        return size

    @override
    def flush(self) -> None:
        with self._lock:
            if self._rest:
                self._stream.write(SECRETS.hide(self._rest))
                self._rest = b""
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


def install() -> None:
    """Put the filter before standard error, and tell of a bug without the data that it met."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        for value in (os.environ.get(name), os.environ.get(name.lower())):
            SECRETS.add(_password(value or ""))
    stream = sys.stderr
    sys.stderr = io.TextIOWrapper(
        _Filter(stream.buffer), stream.encoding, "backslashreplace", line_buffering=True
    )
    sys.excepthook = tell
    threading.excepthook = lambda args: tell(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )


def tell(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """Tell of an error that nobody expected, as an exception hook does."""
    if issubclass(kind, KeyboardInterrupt) or logging.getLogger().isEnabledFor(logging.DEBUG):
        sys.__excepthook__(kind, error, where)
        return
    # The message of an error may quote the value that it stumbled over: privileged data.
    frames = "".join(traceback.format_tb(where))
    sys.stderr.write(
        f"This is a bug in tap-smokeball. Please report it with these lines:\n{frames}"
        f"{kind.__module__}.{kind.__qualname__} (its text may quote client data: it is shown with "
        "TAP_SMOKEBALL_LOGLEVEL=DEBUG only)\n"
    )


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    yield base64.b64encode(secret.encode()).decode().rstrip("=")
