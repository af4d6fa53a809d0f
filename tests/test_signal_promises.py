"""A second signal: within two seconds it changes nothing, later it ends the process."""

from __future__ import annotations

import array
import contextlib
import fcntl
import signal
import subprocess
import sys
import termios
import time
from typing import IO, TYPE_CHECKING

import pytest

from tests.harness import FEES, TAP, Output, config, request_count, sandbox_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import StartFirm
    from tests.harness import Json, Process

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]


@contextlib.contextmanager
def started_tap(
    process: Process, settings: Json, stdout: IO[bytes] | int
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the tap as a process, and kill it after the block."""
    with (process.folder / "err").open("wb") as err:
        tap = subprocess.Popen(
            [*TAP, *process.file_arguments(settings, None, None)],
            stdout=stdout,
            stderr=err,
            cwd=process.folder,
        )
    with tap:
        try:
            yield tap
        finally:
            tap.kill()


def wait_until(is_due: Callable[[], bool], tap: subprocess.Popen[bytes]) -> None:
    while not is_due():
        assert tap.poll() is None, "the tap ended too early"
        time.sleep(0.01)


def test_two_signals_within_grace_lose_nothing(start: StartFirm, process: Process) -> None:
    """Orchestrators send SIGINT and SIGTERM within milliseconds."""
    firm = start(matters=200, fees=1, exact_fees=True)
    firm.control.schedule(FEES, [{"command": "settings", "latency_ms": 300}], nth=60)
    settings, out = config(firm), process.folder / "out"
    with out.open("wb") as stdout_file, started_tap(process, settings, stdout_file) as tap:
        wait_until(lambda: request_count(firm, FEES) >= 60, tap)
        tap.send_signal(signal.SIGINT)
        time.sleep(0.02)
        tap.send_signal(signal.SIGTERM)
        tap.wait(timeout=60)
    stdout, log = out.read_bytes(), (process.folder / "err").read_text()
    first = Output.parse(stdout.splitlines(), tap.returncode, log)
    assert first.status == 128 + signal.SIGINT
    assert log.count("Run summary") == 1
    assert stdout.endswith(b"\n")
    assert first.messages[-1]["type"] == "STATE"
    assert {r["matterId"] for r in first.records("fees")} >= {
        first.bookmark("fees")["resume"]["last_parent_id"]
    }
    firm.control.settings(latency_ms=0)
    second = process.run(settings, state=first.state)
    assert second.status == 0
    everything = {entry["row"]["id"] for entry in sandbox_rows(firm, "fees")}
    assert first.ids("fees").keys() | second.ids("fees").keys() == everything
    assert first.ids("fees").keys() < everything


def test_second_signal_at_exit_keeps_status(start: StartFirm, process: Process) -> None:
    """Also a second signal that comes when the run is over already changes nothing."""
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=30)
    out, err = process.folder / "out", process.folder / "err"
    with out.open("wb") as stdout_file, started_tap(process, config(firm), stdout_file) as tap:
        wait_until(lambda: request_count(firm, FEES) >= 20, tap)
        tap.send_signal(signal.SIGINT)
        wait_until(lambda: "Run summary" in err.read_text(), tap)
        for _ in range(10):
            tap.send_signal(signal.SIGTERM)
            time.sleep(0.01)
        assert tap.wait(timeout=60) == 128 + signal.SIGINT
    assert "Stopped by a signal" in err.read_text()


def unread_bytes(tap: subprocess.Popen[bytes]) -> int:
    """Return how many bytes of the tap's output wait in the pipe."""
    size = array.array("i", [0])
    assert tap.stdout
    fcntl.ioctl(tap.stdout, termios.FIONREAD, size)
    return size[0]


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_late_second_signal_ends_blocked_run(
    start: StartFirm, process: Process, second: signal.Signals
) -> None:
    """A run that cannot write its state ends at the second signal.

    Nobody reads its output, and so the first signal cannot take effect.
    """
    firm = start(matters=300, fees=1, exact_fees=True)
    with started_tap(process, config(firm), subprocess.PIPE) as tap:
        wait_until(lambda: unread_bytes(tap) > 60_000, tap)
        tap.send_signal(signal.SIGTERM)
        time.sleep(2.2)
        assert tap.poll() is None
        tap.send_signal(second)
        assert tap.wait(timeout=15) == 128 + second
