"""SIGINT and SIGTERM: the first stops the run cleanly, a later one at once."""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

GRACE_SECONDS = 2.0
"""Orchestrators deliver two signals within milliseconds: the second one asks for nothing new."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals(stop: Callable[[int], None]) -> Iterator[None]:
    """Call ``stop`` with the number of the first signal that comes inside of the block.

    A signal later than `GRACE_SECONDS` after the first ends the process at once, with the exit
    status ``128 + signal``. Both rules hold until the process ends, since two signals can arrive
    before and after the end of the block. Without a signal, the former handlers are put back.

    In another thread than the main one there are no signals to handle.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first_at: float | None = None

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal first_at
        now = time.monotonic()
        if first_at is None:
            first_at = now
            stop(number)
        elif now - first_at > GRACE_SECONDS:
            os._exit(128 + number)

    previous = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        if first_at is None:
            for number, handler in previous.items():
                signal.signal(number, handler)
        else:
            atexit.register(_ignore_signals)


def _ignore_signals() -> None:
    """Keep the exit status: the interpreter resets handlers some time before the process ends."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def signal_handlers_kept() -> Iterator[None]:
    """Restore the signal handlers after the block, and deliver no signal inside of it.

    The SDK's constructor installs a handler that writes a STATE and exits with 0, whatever is left
    to do. Windows cannot defer signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    can_defer = hasattr(signal, "pthread_sigmask")
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS) if can_defer else set()
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None:  # None: installed by another language than Python
                signal.signal(number, handler)
        if can_defer:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
