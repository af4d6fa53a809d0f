"""Whether it pays to decode pages elsewhere than in the thread that writes.

``python -m benchmarks.decoding FILE WHERE`` decodes a file of pages, one a line, and takes the rows
into the main thread of this process, as they must be there to be written in order. ``WHERE`` is
``here``, ``threads`` or ``process``.
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

WHERE = ("here", "threads", "process")
THREADS = 2


def measure(pages: Path, folder: Path) -> dict[str, Any]:
    """Return the milliseconds a page, by the clock, for each way."""
    found = {}
    for where in WHERE:
        command = [sys.executable, "-m", "benchmarks.decoding", str(pages), where]
        wall = min(float(processes.run(command, folder).last_line) for _ in range(3))
        found[where] = wall
    return {"ms_a_page": found, "python": sys.version.split()[0]}


def decode(page: bytes) -> Any:
    """Decode a page as the tap does: numbers keep every digit."""
    return _decode(page)["value"]


_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def main(path: Path, where: str) -> float:
    """Decode all pages, and return the milliseconds that each took."""
    pages = path.read_bytes().splitlines()
    pool: Any = nullcontext()
    if where == "threads":
        pool = ThreadPoolExecutor(THREADS)
    elif where == "process":
        pool = ProcessPoolExecutor(1)
    with pool as executor:
        for _ in _decoded(pages[:1], executor):  # the pool is there before the clock starts
            pass
        began = time.perf_counter()
        rows = sum(len(page) for page in _decoded(pages, executor))
        taken = time.perf_counter() - began
    if not rows:
        raise SystemExit("no rows")
    return taken / len(pages) * 1000


def _decoded(pages: list[bytes], executor: Executor | None) -> Iterator[Any]:
    yield from map(decode, pages) if executor is None else executor.map(decode, pages)


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]), sys.argv[2]):.3f}\n")
