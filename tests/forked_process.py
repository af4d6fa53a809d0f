"""Starts the tap as a process, as `subprocess` does, but in milliseconds."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tests.fork_server import NUMBER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Self

ROOT = Path(__file__).parent.parent
_servers = ExitStack()
_RUN_MODULE = [sys.executable, "-m"]


class ForkedProcess:
    """A process of the fork server, with the interface of `subprocess.Popen`.

    Its standard input is empty.

    Args:
        command: ``[sys.executable, "-m", module, *arguments]``.
        stdout: Receives standard output; `subprocess.PIPE` creates a pipe.
        stderr: Receives standard error.
        cwd: Working folder; the one of this process by default.
        env: Environment variables; those of this process by default.

    Attributes:
        pid: The process id.
        returncode: The exit status, negative after a signal; None while the process runs.
        stdout: The end of the pipe to read from, if there is one.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdout: IO[bytes] | int,
        stderr: IO[bytes],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        assert list(command[:2]) == _RUN_MODULE
        self.returncode: int | None = None
        self.stdout: IO[bytes] | None = None
        request = {
            "module": command[2],
            "arguments": list(command[3:]),
            "folder": str(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
        }
        with ExitStack() as files:
            if isinstance(stdout, int):
                assert stdout == subprocess.PIPE
                reader, writer = os.pipe()
                self.stdout = os.fdopen(reader, "rb")
                stdout = files.enter_context(os.fdopen(writer, "wb"))
            stdin = files.enter_context(Path(os.devnull).open("rb"))
            file = files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            json.dump(request, file)
            file.seek(0)
            self._connection, theirs = socket.socketpair()
            files.enter_context(theirs)
            sent = [each.fileno() for each in (stdin, stdout, stderr, file, theirs)]
            socket.send_fds(_fork_server(), [b"x"], sent)
        self.pid = self._receive()

    def poll(self) -> int | None:
        """Return the exit status, or None while the process runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the process, and return its exit status.

        Raises:
            subprocess.TimeoutExpired: The process still runs after so many seconds.
        """
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self.returncode = self._receive()
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired(_RUN_MODULE, timeout or 0.0) from None
            self._connection.close()
        return self.returncode

    def _receive(self) -> int:
        number: int
        (number,) = NUMBER.unpack(self._connection.recv(NUMBER.size))
        return number

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """Kill the process, unless it has ended."""
        self.send_signal(9)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the process, unless it has ended, and wait for its end."""
        self.kill()
        self.wait(60)


def run_forked(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[bytes]:
    """Run a process to its end and return its output, as `subprocess.run` does.

    Raises:
        subprocess.TimeoutExpired: The process took too long, and was killed.
    """
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        with ForkedProcess(command, stdout=stdout, stderr=stderr, cwd=cwd, env=env) as process:
            status = process.wait(timeout)
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess(command, status, stdout.read(), stderr.read())


@cache
def _fork_server() -> socket.socket:
    """Return the socket of the fork server of this process."""
    control, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
        )

    def stop() -> None:
        control.close()
        process.wait()

    _servers.callback(stop)
    return control


def stop_fork_server() -> None:
    """Stop the fork server, which then writes its coverage."""
    _servers.close()
    _fork_server.cache_clear()
