"""Compare decoding pages in the main thread, in other threads and in a process.

``python -m benchmarks.decoding FILE WHERE`` decodes a file that has one page per line. The decoded
rows end in the main thread of this process, which has to write them in order. ``WHERE`` is
``main_thread``, ``threads`` or ``process``.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks import measure as processes

if TYPE_CHECKING:
    from collections.abc import Iterator

WHERE = ("main_thread", "threads", "process")
THREADS = 2


def measure(pages: Path, folder: Path) -> dict[str, Any]:
    """Return the wall-clock milliseconds per page for each way to decode."""
    milliseconds = {}
    for where in WHERE:
        command = [sys.executable, "-m", "benchmarks.decoding", str(pages), where]
        wall = min(float(processes.run(command, folder).last_line) for _ in range(3))
        milliseconds[where] = wall
    return {"ms_per_page": milliseconds, "python": sys.version.split()[0]}


def decode(page: bytes) -> Any:
    """Decode a page like the tap: numbers keep every digit."""
    return _decode(page)["value"]


_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def main(path: Path, where: str) -> float:
    """Decode all pages and return the milliseconds per page."""
    pages = path.read_bytes().splitlines()
    pool: Any = nullcontext()
    if where == "threads":
        pool = ThreadPoolExecutor(THREADS)
    elif where == "process":
        pool = ProcessPoolExecutor(1)
    with pool as executor:
        for _ in _decoded(pages[:1], executor):  # starts the pool before the measurement
            pass
        started = time.perf_counter()
        rows = sum(len(page) for page in _decoded(pages, executor))
        elapsed = time.perf_counter() - started
    if not rows:
        raise SystemExit("no rows")
    return elapsed / len(pages) * 1000


def _decoded(pages: list[bytes], executor: Executor | None) -> Iterator[Any]:
    yield from map(decode, pages) if executor is None else executor.map(decode, pages)


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]), sys.argv[2]):.3f}\n")
