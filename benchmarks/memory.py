"""Measure the tap's memory on a large firm: ``python -m benchmarks.memory``.

The tap reads the fees of a simulated firm, a million by default. The benchmark counts and discards
its output, and samples its resident memory from /proc (on Linux only) every tenth of a second. The
memory must stay constant, whatever the size of the firm.
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

from benchmarks.competitors import catalog, sandbox_settings, write_files
from smokeball_sandbox import SandboxServer

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

TARGET_MB = 200
SAMPLE_SECONDS = 0.1
CHUNK_BYTES = 1 << 20
QUARTERS = (0.25, 0.5, 0.75, 1.0)


class Sampler(threading.Thread):
    """Samples the memory of a process.

    Attributes:
        samples: Emitted rows and resident memory in MB, in order of time.
        rows: Rows emitted so far. The reader of the output updates it.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.samples: list[tuple[int, float]] = []
        self.rows = 0
        self._pid = pid
        self._stopped = threading.Event()

    @override
    def run(self) -> None:
        """Take samples until `stop` is called."""
        while not self._stopped.wait(SAMPLE_SECONDS):
            resident = _memory(self._pid, "VmRSS")
            if resident:
                self.samples.append((self.rows, resident))

    def stop(self) -> None:
        """Stop sampling and wait for the thread."""
        self._stopped.set()
        self.join()

    def memory_after(self, rows: float) -> float:
        """Return the resident memory in MB after about this many rows."""
        return min(self.samples, key=lambda sample: abs(sample[0] - rows))[1]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark, print a table and return 0 if the target is met."""
    options = _parser().parse_args(arguments)
    expected = options.matters * options.fees
    with (
        SandboxServer(matters=options.matters, fees=options.fees, exact_fees=True) as sandbox,
        tempfile.TemporaryDirectory() as folder,
    ):
        started = time.monotonic()
        command = _command(sandbox, Path(folder))
        with (Path(folder) / "errors").open("wb") as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)  # noqa: S603
            rows, size, peak, cpu, sampler = _drain(process)
        seconds = time.monotonic() - started
        if process.returncode:
            sys.stdout.write((Path(folder) / "errors").read_text())
    write = sys.stdout.write
    write(f"fees:      {rows:,} of {expected:,}, {size / 1e6:,.0f} MB of output\n")
    write(f"exit:      {process.returncode}\n")
    write(f"duration:  {seconds:.0f} s, {rows / seconds:,.0f} rows per second; {cpu:.0f} s CPU\n")
    for share in QUARTERS:
        resident = sampler.memory_after(rows * share)
        write(f"memory at {share:4.0%} of the rows: {resident:6.1f} MB\n")
    write(f"peak:      {peak:.1f} MB (target: below {TARGET_MB} MB)\n")
    return 0 if rows == expected and process.returncode == 0 and peak < TARGET_MB else 1


def _drain(process: subprocess.Popen[bytes]) -> tuple[int, int, float, float, Sampler]:
    """Read the output; return rows, bytes, peak memory in MB, CPU seconds and samples."""
    sampler = Sampler(process.pid)
    sampler.start()
    size = 0
    peak = 0.0
    marker, rest = b'"type":"RECORD"', b""
    output = process.stdout
    while output and (chunk := os.read(output.fileno(), CHUNK_BYTES)):
        size += len(chunk)
        text = rest + chunk
        # A marker may start at the end of this chunk.
        rest = text[-(len(marker) - 1) :]
        sampler.rows += text.count(marker)
        peak = max(peak, _memory(process.pid, "VmHWM"))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    sampler.stop()
    peak = max(peak, usage.ru_maxrss / 1024)
    return sampler.rows, size, peak, usage.ru_utime + usage.ru_stime, sampler


def _memory(pid: int, name: str) -> float:
    """Return a field of /proc/<pid>/status in MB, or 0 if the process has ended."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def _command(sandbox: SandboxServer, folder: Path) -> list[str]:
    files = {"config": sandbox_settings(sandbox), "catalog": catalog(("fees",))}
    return [sys.executable, "-m", "tap_smokeball", *write_files(folder, files)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    add = parser.add_argument
    add("--matters", type=int, default=10_000, help="number of matters (default: %(default)s)")
    add("--fees", type=int, default=100, help="fees per matter (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
