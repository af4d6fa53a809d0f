"""Starts sandboxes quickly: one process imports everything once and forks each sandbox.

Importing a sandbox takes half a second, and a test suite starts hundreds. The process and
its forks end with the process that started it.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path

import msgspec

_FORK_MODULE = "smokeball_sandbox.fork_process"


class ForkServer:
    """The process that forks sandboxes."""

    def __init__(self) -> None:
        root = str(Path(__file__).parent.parent)
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", _FORK_MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self._lock = threading.Lock()
        atexit.register(self._stop)

    def start(self, arguments: list[str]) -> tuple[int, str]:
        """Start a sandbox; return its process id and address.

        Raises:
            RuntimeError: The sandbox did not start.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("The fork server has no pipes. Restart this process.")
        with self._lock:
            stdin.write(msgspec.json.encode(arguments) + b"\n")
            stdin.flush()
            announcement = stdout.readline().split()
        if len(announcement) != len(("process", "address")):
            raise RuntimeError("The sandbox did not start. Check its options.")
        return int(announcement[0]), announcement[1].decode()

    def _stop(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait()


@cache
def fork_server() -> ForkServer:
    """Return the fork server of this process."""
    return ForkServer()
