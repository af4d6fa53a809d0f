"""One run of a firm at a time on this machine, by a lock of a file.

All processes of the run inherit the lock, so it lasts until the last of them has ended: also if
the task was killed, and its loader still writes. On several machines, the lock in the inbox does
the same.

This module does not import Airflow.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator


_POLL_SECONDS = 0.5


class BusyError(Exception):
    """Another run of the firm is active."""


@dataclass(frozen=True)
class FirmLock:
    """The lock of a firm's run.

    Attributes:
        descriptor: The file, which holds when the last run began that succeeded.
    """

    descriptor: int

    @property
    def last_started(self) -> float:
        """When the last run began that succeeded on this machine, in seconds since 1970; or 0."""
        with suppress(ValueError):
            return float(os.pread(self.descriptor, 32, 0))
        return 0.0

    def record_success(self, started: float) -> None:
        """Remember when a run began that succeeded."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{started:.3f}".encode(), 0)


@contextmanager
def firm_lock(state_id: str, wait_seconds: float = 0) -> Iterator[FirmLock]:
    """Hold the lock while the block and the processes that it started last.

    Args:
        state_id: Name of the lock.
        wait_seconds: How long to wait for another run to end.

    Raises:
        BusyError: Another run holds it.
    """
    deadline = time.monotonic() + wait_seconds
    path = _folder() / quote(state_id, safe="")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise BusyError(f"{state_id}: another run is active")
            time.sleep(_POLL_SECONDS)
        yield FirmLock(descriptor)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _folder() -> Path:
    folder = Path(tempfile.gettempdir(), f".smokeball-locks-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    return folder
