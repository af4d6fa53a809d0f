"""The memory allocator of the process."""

from __future__ import annotations

import ctypes
import os
import sys

_M_ARENA_MAX = -8  # in glibc's malloc.h
_VARIABLES = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")


def use_one_arena() -> None:
    """Let all threads share one arena of glibc's allocator, unless the environment configures it.

    Otherwise each thread keeps the memory of its largest responses for itself. One arena takes no
    longer, as the interpreter's lock lets one thread at a time allocate. Other C libraries have no
    arenas.
    """
    if sys.platform == "linux" and not any(name in os.environ for name in _VARIABLES):
        set_option = getattr(ctypes.CDLL(None), "mallopt", None)
        if set_option is not None:
            set_option(_M_ARENA_MAX, 1)
