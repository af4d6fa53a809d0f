"""A deadline for a whole request, in addition to the timeout of each read.

The timeout of requests bounds the wait for the next bytes. A server that sends one byte now and
then outlives it, in the headers, in the body, or while a proxy opens a tunnel. So each read of a
socket here waits no longer than what is left of the request's time.
"""

from __future__ import annotations

import io
import math
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator


class _Deadline(threading.local):
    """The deadline of the request that a thread sends, in seconds of the monotonic clock."""

    at = math.inf


_deadline = _Deadline()


@contextmanager
def request_deadline(at: float) -> Iterator[None]:
    """Let reads of a `DeadlineReader` fail after a time.

    Args:
        at: Seconds of the monotonic clock; a later read raises `TimeoutError`.
    """
    _deadline.at = at
    try:
        yield
    finally:
        _deadline.at = math.inf


def set_timeout(connection: socket.socket, seconds: float | None) -> None:
    """Set the timeout of a socket, without a system call if it has this one."""
    if connection.gettimeout() != seconds:
        connection.settimeout(seconds)


class DeadlineReader(io.RawIOBase):
    """Reads a socket until the deadline of this thread's request."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket) -> None:
        self._raw = raw
        self._connection = connection
        self._timeout = connection.gettimeout()

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int | None:
        if _deadline.at < math.inf:
            left = _deadline.at - time.monotonic()
            if left <= 0:
                raise TimeoutError
            timeout = left if self._timeout is None else min(left, self._timeout)
            set_timeout(self._connection, timeout)
        return self._raw.readinto(buffer)

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()
