"""Garbage collection of the process: while rows pass through it, and at its start and end."""

from __future__ import annotations

import atexit
import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

GC_THRESHOLDS = (50_000, 20, 100)
"""Allocations and generations between collections: rows hold no reference cycles and there are
always many of them, so that each collection takes long and finds nothing."""


def collect_rarely_until_exit() -> None:
    """Run the garbage collector rarely, and not at all when the process ends.

    The interpreter's last collection visits all that was imported, and takes a quarter of the CPU
    of ``--version``.
    """
    gc.set_threshold(*GC_THRESHOLDS)
    atexit.register(gc.freeze)


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Run the garbage collector rarely inside of the block, then restore its settings."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
