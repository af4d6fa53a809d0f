"""The process that imports the tap once, and forks a tap for each request.

Importing the tap takes half a second of CPU time; a fork takes milliseconds. The fork runs the
module as ``python -m`` does: with its own arguments, environment, folder and streams.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import sys
from importlib import import_module
from typing import NamedTuple

NUMBER = struct.Struct("i")
"""A message about a process: first its id, at its end its exit status."""

FILES = 5
"""Files of a request: the three standard streams, the request, and the socket for the status."""

PRELOADED = ("tap_smokeball.tap", "tap_smokeball.login.command")

LATER = {"tap_smokeball.webhooks": "tap_smokeball.webhooks.serve"}
"""Modules to import before the first fork of another: few tests run a receiver."""


class Request(NamedTuple):
    """How to run a module: see `subprocess.Popen`."""

    module: str
    arguments: list[str]
    folder: str
    environment: dict[str, str]


def main() -> None:
    """Fork a process for each byte on the socket, which has the files of the request."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for module in PRELOADED:
        import_module(module)
    gc.freeze()  # a collection in a fork would copy the pages
    wake, wake_writer = os.pipe()
    os.set_blocking(wake_writer, False)
    signal.set_wakeup_fd(wake_writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # writes to the wake-up pipe
    running: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            _report_ended(running)
        if control.fileno() in ready:
            message, files, _, _ = socket.recv_fds(control, 1, FILES)
            if not message:
                return
            if later := LATER.get(_read_request(files[-2]).module):
                import_module(later)
            process = os.fork()
            if not process:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for each in (control, *running.values()):
                    each.close()
                os.close(wake)
                os.close(wake_writer)
                _run(files)
                return
            running[process] = socket.socket(fileno=files.pop())
            running[process].sendall(NUMBER.pack(process))
            for file in files:
                os.close(file)


def _report_ended(running: dict[int, socket.socket]) -> None:
    """Send the status of each process that has ended."""
    while running:
        process, status = os.waitpid(-1, os.WNOHANG)
        if not process:
            return
        with running.pop(process) as connection:
            try:
                connection.sendall(NUMBER.pack(os.waitstatus_to_exitcode(status)))
            except OSError as error:  # a test that does not wait for the status
                if error.errno not in {errno.EPIPE, errno.ECONNRESET}:
                    raise


def _read_request(file: int) -> Request:
    return Request(**json.loads(os.pread(file, os.fstat(file).st_size, 0)))


def _run(files: list[int]) -> None:
    """Run the requested module in this process."""
    *streams, request_file, status = files
    os.close(status)
    request = _read_request(request_file)
    os.close(request_file)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    sys.path[0] = request.folder
    sys.argv[1:] = request.arguments
    runpy.run_module(request.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
