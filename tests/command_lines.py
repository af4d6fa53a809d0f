"""Records the command lines of processes, which any user of a machine can read."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self


class CommandLineRecorder:
    """Records the command line of each process while the block lasts.

    Processes of other test workers are left out: tests pass the same secrets to them on purpose.
    """

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._record)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _record(self) -> None:
        while not self._stopped.wait(0.2):
            lines: dict[int, bytes] = {}
            parents: dict[int, int] = {}
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    status = (folder / "stat").read_text().rpartition(")")[2].split()
                    lines[int(folder.name)] = (folder / "cmdline").read_bytes()
                except OSError:
                    continue
                parents[int(folder.name)] = int(status[1])
            siblings = {pid for pid, parent in parents.items() if parent == os.getppid()}
            others = siblings - {os.getpid()}
            for pid, line in lines.items():
                if others.isdisjoint(_ancestry(pid, parents)):
                    self.seen.add(line)


def _ancestry(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid in parents:
        yield pid
        pid = parents[pid]
