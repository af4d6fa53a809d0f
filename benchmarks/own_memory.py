"""Measure the memory that each further process of a program takes, on Linux."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import ROOT, checked_log, start

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE_SECONDS = 0.02
FIELD = "Private_Dirty:"


def peak_mb(arguments: Sequence[str | Path], folder: Path, source: Path = ROOT) -> float:
    """Run a program, discard its output and return the peak of its own memory in MB.

    That are the pages that it has written: those of its libraries exist once, whatever the number
    of processes. The kernel is asked 50 times a second.

    Args:
        arguments: The program and its arguments.
        folder: Its working directory.
        source: Checkout whose packages it imports.

    Raises:
        ProgramFailedError: Its exit status is not 0.
    """
    peak = 0.0
    with tempfile.TemporaryFile() as log:
        process = start(arguments, folder, source, stdout=subprocess.DEVNULL, log=log)
        while process.poll() is None:
            peak = max(peak, _own_mb(process.pid))
            time.sleep(SAMPLE_SECONDS)
        checked_log(process.returncode, log)
    return peak


def _own_mb(pid: int) -> float:
    """Return the memory that a process has for itself in MB, or 0 if it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
    except OSError:
        return 0.0
    lines = (line.split() for line in text.splitlines()[1:])
    kilobytes = sum(int(line[1]) for line in lines if line[0] == FIELD)
    return kilobytes * 1024 / 1e6


def is_available() -> bool:
    """Return whether the system tells the memory of a process by page."""
    return Path("/proc/self/smaps_rollup").exists()
