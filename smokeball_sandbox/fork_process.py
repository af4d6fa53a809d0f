"""The process of the fork server: forks a sandbox for each line on standard input."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import msgspec

from smokeball_sandbox.cli import build_parser, serve

_POLL_SECONDS = 1.0


def main() -> None:
    """Fork a sandbox for each line of arguments."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nothing waits for the children
    for line in sys.stdin.buffer:
        if os.fork():
            continue
        try:
            threading.Thread(target=_exit_after, args=[os.getppid()], daemon=True).start()
            options = build_parser().parse_args(msgspec.json.decode(line, type=list[str]))
            serve(options, _announce)
        finally:
            os.write(sys.stdout.fileno(), b"\n")  # an empty line reports a failed start
            os._exit(1)


def _announce(address: str) -> None:
    os.write(sys.stdout.fileno(), f"{os.getpid()} {address}\n".encode())
    devnull = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdin, sys.stdout):
        os.dup2(devnull, stream.fileno())


def _exit_after(parent: int) -> None:
    """Exit this process when its parent has exited."""
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
