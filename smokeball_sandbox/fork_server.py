"""Starts sandboxes quickly: one process imports everything once, and forks for each of them.

A sandbox takes half a second to import and next to nothing to start: a test suite starts hundreds.
The process lives as long as the one that needs it, and what it forked ends with it.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path

import msgspec

_WATCH_SECONDS = 1.0


class Nursery:
    """The process that forks."""

    def __init__(self) -> None:
        here = str(Path(__file__).parent.parent)
        paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", f"from {__name__} import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self._lock = threading.Lock()
        atexit.register(self._end)

    def start(self, arguments: list[str]) -> tuple[int, str]:
        """Start a sandbox; return the id of its process and where it listens.

        Raises:
            RuntimeError: It did not come up.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("The sandboxes have no process to come from.")
        with self._lock:
            stdin.write(msgspec.json.encode(arguments) + b"\n")
            stdin.flush()
            answer = stdout.readline().split()
        if len(answer) != len(("process", "address")):
            raise RuntimeError("The sandbox did not start.")
        return int(answer[0]), answer[1].decode()

    def _end(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait()


@cache
def nursery() -> Nursery:
    """Return the one of this process."""
    return Nursery()


def main() -> None:
    """Fork a sandbox for each line of arguments on standard input."""
    from smokeball_sandbox.__main__ import parser, serve  # noqa: PLC0415 - imports this package's server

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    for line in sys.stdin.buffer:
        if os.fork():
            continue
        try:
            threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
            options = parser().parse_args(msgspec.json.decode(line, type=list[str]))
            serve(options, _announce)
        finally:
            os.write(sys.stdout.fileno(), b"\n")  # heeded only if there was no announcement
            os._exit(1)


def _announce(address: str) -> None:
    os.write(sys.stdout.fileno(), f"{os.getpid()} {address}\n".encode())
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdin, sys.stdout):
        os.dup2(nowhere, stream.fileno())


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(0)
