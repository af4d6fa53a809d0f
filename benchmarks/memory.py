"""How much memory does a whole firm take? ``python -m benchmarks.memory``.

The tap, as a process, reads the fees of a simulated firm, a million by default. Its output is
counted and dropped. Its resident memory is read from /proc (so this needs Linux) every tenth of a
second, and shown as the rows pass by: it must be flat, whatever the firm's size.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.competitors import catalog, files_of, settings_of
from smokeball_sandbox import SandboxServer

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

TARGET_MB = 200
SAMPLE_SECONDS = 0.1
CHUNK = 1 << 20
QUARTERS = (0.25, 0.5, 0.75, 1.0)


class Sampler(threading.Thread):
    """Watches the memory of a process.

    Attributes:
        samples: Rows passed so far, and resident memory in MB, at one moment after another.
        rows: Rows passed so far; told by whoever counts them.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.samples: list[tuple[int, float]] = []
        self.rows = 0
        self._pid = pid
        self._over = threading.Event()

    @override
    def run(self) -> None:
        """Sample until told to stop."""
        while not self._over.wait(SAMPLE_SECONDS):
            resident = _memory(self._pid, "VmRSS")
            if resident:
                self.samples.append((self.rows, resident))

    def stop(self) -> None:
        """Take no more samples."""
        self._over.set()
        self.join()

    def near(self, rows: float) -> float:
        """Resident memory in MB when about so many rows had passed."""
        return min(self.samples, key=lambda sample: abs(sample[0] - rows))[1]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark, print a table, and return 0 if the target is met."""
    options = _parser().parse_args(arguments)
    expected = options.matters * options.fees
    with (
        SandboxServer(matters=options.matters, fees=options.fees, exact_fees=True) as sandbox,
        tempfile.TemporaryDirectory() as folder,
    ):
        began = time.monotonic()
        command = _command(sandbox, Path(folder))
        with (Path(folder) / "errors").open("wb") as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)  # noqa: S603
            rows, size, peak, cpu, sampler = _drain(process)
        seconds = time.monotonic() - began
        if process.returncode:
            sys.stdout.write((Path(folder) / "errors").read_text())
    write = sys.stdout.write
    write(f"fees:      {rows:,} of {expected:,}, {size / 1e6:,.0f} MB of output\n")
    write(f"exit:      {process.returncode}\n")
    write(f"duration:  {seconds:.0f} s, {rows / seconds:,.0f} rows/s; {cpu:.0f} s of CPU\n")
    for share in QUARTERS:
        resident = sampler.near(rows * share)
        write(f"resident at {share:4.0%} of the rows: {resident:6.1f} MB\n")
    write(f"peak:      {peak:.1f} MB (target: below {TARGET_MB} MB)\n")
    return 0 if rows == expected and process.returncode == 0 and peak < TARGET_MB else 1


def _drain(process: subprocess.Popen[bytes]) -> tuple[int, int, float, float, Sampler]:
    """Count the rows; also the bytes, the peak in MB, CPU seconds, and the samples."""
    sampler = Sampler(process.pid)
    sampler.start()
    size = 0
    peak = 0.0
    marker, rest = b'"type":"RECORD"', b""
    output = process.stdout
    while output and (chunk := os.read(output.fileno(), CHUNK)):
        size += len(chunk)
        text = rest + chunk
        # What may be the beginning of a marker is looked at again with the next chunk.
        rest = text[-(len(marker) - 1) :]
        sampler.rows += text.count(marker)
        peak = max(peak, _memory(process.pid, "VmHWM"))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    sampler.stop()
    peak = max(peak, usage.ru_maxrss / 1024)
    return sampler.rows, size, peak, usage.ru_utime + usage.ru_stime, sampler


def _memory(pid: int, name: str) -> float:
    """A process's memory in MB, by one of the names in its /proc/status; 0 if it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def _command(sandbox: SandboxServer, folder: Path) -> list[str]:
    files = {"config": settings_of(sandbox), "catalog": catalog(("fees",))}
    return [sys.executable, "-m", "tap_smokeball", *files_of(folder, files)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    add = parser.add_argument
    add("--matters", type=int, default=10_000, help="matters of the firm (%(default)s)")
    add("--fees", type=int, default=100, help="fees of each matter (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
