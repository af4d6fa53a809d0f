"""Run a program and measure its time, its memory and its output."""

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
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent

_OWN_PYTHON = ROOT / ".venv-runtime" / "bin" / "python"

TAP_PYTHON = str(_OWN_PYTHON) if _OWN_PYTHON.exists() else sys.executable
"""Runs the tap in the environment that its users have. In that of the benchmarks it would load
numpy, because joblib, which the SDK imports, does if it finds it."""

_BLOCK = 1 << 20
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
_HEAD = re.compile(rb'\{"type": ?"(?:(RECORD)", ?(?:"record": ?\{)?"stream": ?"(\w+)"|(\w+)")')
"""The start of a message of Singer or of Airbyte."""


class ProgramFailedError(Exception):
    """The exit status is not 0. The text is the end of the program's log."""


@dataclass(frozen=True)
class Usage:
    """Resources and output of a process.

    Attributes:
        seconds: Wall-clock time.
        cpu: User and system CPU seconds.
        user_cpu: User CPU seconds.
        peak_mb: Peak resident memory in MB, at least that of the process that starts the program.
        bytes_out: Bytes on standard output.
        messages: Lines on standard output by Singer message type.
        records: RECORD messages by stream.
        log_lines: Lines on standard error.
        last_line: The last line on standard output.
        last_state: The last STATE message, or empty.
    """

    seconds: float
    cpu: float
    user_cpu: float
    peak_mb: float
    bytes_out: int
    messages: dict[str, int]
    records: dict[str, int]
    log_lines: int
    last_line: bytes
    last_state: bytes


def run(arguments: Sequence[str | Path], folder: Path, source: Path = ROOT) -> Usage:
    """Run a program until it exits.

    Args:
        arguments: The program and its arguments.
        folder: Its working directory.
        source: Checkout whose packages it imports.

    Raises:
        ProgramFailedError: Its exit status is not 0.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as reports:
        report = Path(reports) / "usage"
        wrapper = Path(__file__).with_name("run_and_measure.py")
        command = [sys.executable, "-S", wrapper, report, *arguments]
        process = start(command, folder, source, stdout=subprocess.PIPE, log=log)
        counter = _Counter()
        assert process.stdout is not None  # noqa: S101
        with process.stdout as output:
            while block := os.read(output.fileno(), _BLOCK):
                counter.count(block)
        status = process.wait()
        seconds = time.monotonic() - started
        lines = checked_log(status, log)
        user, system, peak = report.read_text("utf-8").split()
    return Usage(
        seconds=seconds,
        cpu=float(user) + float(system),
        user_cpu=float(user),
        peak_mb=int(peak) * _RSS_UNIT / 1e6,
        bytes_out=counter.bytes,
        messages=dict(counter.types),
        records=dict(counter.records),
        log_lines=len(lines),
        last_line=counter.last_line,
        last_state=counter.last_state,
    )


def start(
    arguments: Sequence[str | Path], folder: Path, source: Path, *, stdout: int, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a program whose log goes to a file."""
    return subprocess.Popen(  # noqa: S603
        [str(argument) for argument in arguments],
        stdout=stdout,
        stderr=log,
        cwd=folder,
        env=environment(source),
    )


def checked_log(status: int, log: IO[bytes]) -> list[bytes]:
    """Return the lines of the log of a program that has ended.

    Raises:
        ProgramFailedError: Its exit status is not 0.
    """
    log.seek(0)
    lines = log.read().splitlines()
    if status:
        raise ProgramFailedError(b"\n".join(lines[-5:]).decode(errors="replace"))
    return lines


def output(arguments: Sequence[str | Path], folder: Path, source: Path = ROOT) -> bytes:
    """Run a program and return its standard output."""
    done = subprocess.run(  # noqa: S603
        [str(argument) for argument in arguments],
        capture_output=True,
        check=True,
        cwd=folder,
        env=environment(source),
    )
    return done.stdout


def environment(source: Path = ROOT) -> dict[str, str]:
    """Return the environment of a program that imports the packages of a checkout."""
    # Python's own variables, such as PYTHONUNBUFFERED, would distort the measurement.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return inherited | {"PYTHONPATH": os.pathsep.join([str(source), str(ROOT)])}


class _Counter:
    """Counts messages in blocks that may end in the middle of a line."""

    def __init__(self) -> None:
        self.bytes = 0
        self.types: Counter[str] = Counter()
        self.records: Counter[str] = Counter()
        self.last_line = self.last_state = b""
        self._incomplete = b""

    def count(self, block: bytes) -> None:
        """Add the next block of output."""
        self.bytes += len(block)
        *lines, self._incomplete = (self._incomplete + block).split(b"\n")
        for line in lines:
            head = _HEAD.match(line)
            record, stream, message_type = head.groups() if head else (None, None, b"other")
            message_type = record or message_type
            self.types[message_type.decode()] += 1
            if stream:
                self.records[stream.decode()] += 1
            elif message_type == b"STATE":
                self.last_state = line
        if lines:
            self.last_line = lines[-1]
