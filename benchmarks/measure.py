"""Runs a program as a process of its own, and counts what it takes and what it writes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent

_BLOCK = 1 << 20
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
_HEAD = re.compile(rb'\{"type": ?"(?:(RECORD)", ?"stream": ?"(\w+)"|(\w+)")')


class Failed(Exception):  # noqa: N818 - what became of the program
    """The program did not end well; the text is the end of its log."""


@dataclass(frozen=True)
class Usage:
    """What a process took and wrote.

    Attributes:
        seconds: By the clock on the wall.
        cpu: Seconds of CPU, its own and the system's for it.
        peak_mb: Most memory it had, in MB.
        bytes_out: Bytes of its standard output.
        messages: Lines of its standard output, by the type that each names.
        records: Of these, the RECORD messages by stream.
        log_lines: Lines of its standard error.
        last_line: The last line of its standard output.
        last_state: The last STATE message, if there is one.
    """

    seconds: float
    cpu: float
    peak_mb: float
    bytes_out: int
    messages: dict[str, int]
    records: dict[str, int]
    log_lines: int
    last_line: bytes
    last_state: bytes


def run(arguments: Sequence[str | Path], folder: Path) -> Usage:
    """Run a program to its end.

    Args:
        arguments: The program and what it is told.
        folder: Where it runs.

    Raises:
        Failed: Its exit status is not 0.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as reports:
        report = Path(reports) / "usage"
        launcher = [sys.executable, "-S", str(Path(__file__).with_name("launch.py")), str(report)]
        process = subprocess.Popen(  # noqa: S603
            [*launcher, *(str(argument) for argument in arguments)],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=_environment(),
        )
        counter = _Counter()
        assert process.stdout is not None  # noqa: S101
        with process.stdout as output:
            while block := os.read(output.fileno(), _BLOCK):
                counter.count(block)
        status = process.wait()
        seconds = time.monotonic() - began
        log.seek(0)
        lines = log.read().splitlines()
        if status:
            raise Failed(b"\n".join(lines[-5:]).decode(errors="replace"))
        cpu, peak = report.read_text("utf-8").split()
    return Usage(
        seconds=seconds,
        cpu=float(cpu),
        peak_mb=int(peak) * _RSS_UNIT / 1e6,
        bytes_out=counter.bytes,
        messages=dict(counter.kinds),
        records=dict(counter.records),
        log_lines=len(lines),
        last_line=counter.last_line,
        last_state=counter.last_state,
    )


def output(arguments: Sequence[str | Path], folder: Path) -> bytes:
    """Run a program for what it writes to standard output."""
    done = subprocess.run(  # noqa: S603
        [str(argument) for argument in arguments],
        capture_output=True,
        check=True,
        cwd=folder,
        env=_environment(),
    )
    return done.stdout


def _environment() -> dict[str, str]:
    # Not what is set here for Python, as to write without a buffer: it would be measured too.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"PYTHONPATH": str(ROOT)}


class _Counter:
    """Counts messages in blocks, which end anywhere."""

    def __init__(self) -> None:
        self.bytes = 0
        self.kinds: Counter[str] = Counter()
        self.records: Counter[str] = Counter()
        self.last_line = self.last_state = b""
        self._rest = b""

    def count(self, block: bytes) -> None:
        """Take note of the next part of the output."""
        self.bytes += len(block)
        *lines, self._rest = (self._rest + block).split(b"\n")
        for line in lines:
            head = _HEAD.match(line)
            record, stream, kind = head.groups() if head else (None, None, b"other")
            kind = record or kind
            self.kinds[kind.decode()] += 1
            if stream:
                self.records[stream.decode()] += 1
            elif kind == b"STATE":
                self.last_state = line
        if lines:
            self.last_line = lines[-1]
