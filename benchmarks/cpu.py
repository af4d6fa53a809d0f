"""What the rows cost: 50,000 fees in pages of 500, no latency; and what starting costs.

All figures are seconds of CPU of the process, so that it does not matter how fast the sandbox
answers. What the same program takes for a firm of one matter with one fee is subtracted where the
cost of a row is meant. The tap and the floor are measured in turns.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks import decoding, measure
from benchmarks.competitors import ALL, STOCK, TAP, Lab, lab

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MATTERS, FEES_EACH, PAGE = 10, 5_000, 500
ROWS = MATTERS * FEES_EACH
FLOOR, FLOOR_FLOATS = "floor", "floor, with floats"

Result = dict[str, Any]
Both = tuple[Callable[[], float], Callable[[], float]]
"""What measures a start alone, and all of a run."""


def rows() -> dict[str, Any]:
    """Measure what a row costs each contestant, and at least."""
    large = lab(matters=MATTERS, fees=FEES_EACH, exact_fees=True)
    with lab(matters=1, fees=1, exact_fees=True) as small, large as firm:
        pages = firm.folder / "pages"
        pages.write_bytes(b"".join(page + b"\n" for page in _pages(firm)))
        nothing = firm.folder / "nothing"
        nothing.touch()
        floor = [sys.executable, "-m", "benchmarks.lower_bound"]
        floors: dict[str, list[str]] = {FLOOR: [], FLOOR_FLOATS: ["--floats"]}
        cheap = {TAP: _both(TAP, small, firm)} | {
            who: (
                partial(_cpu, [*floor, nothing, *more], firm.folder),
                partial(_cpu, [*floor, pages, *more], firm.folder),
            )
            for who, more in floors.items()
        }
        dear = {who: _both(who, small, firm) for who in ALL if who != TAP}
        found = _in_turns(cheap, rounds=9) | _in_turns(dear, rounds=2)
        apart = decoding.measure(pages, firm.folder)
    return {
        "rows": ROWS,
        "contestants": [found[who] for who in (*ALL, *floors)],
        "times_stock": found[STOCK]["net_cpu"] / found[TAP]["net_cpu"],
        "times_floor": found[TAP]["net_cpu"] / found[FLOOR]["net_cpu"],
        "decoding": apart,
    }


def start_up() -> dict[str, float]:
    """Measure what it costs to import the SDK, and what the tap's commands cost."""
    commands = {
        "import singer_sdk": ["-c", "import singer_sdk"],
        "--version": ["-m", "tap_smokeball", "--version"],
        "--discover": ["-m", "tap_smokeball", "--discover"],
    }
    with TemporaryDirectory() as folder:
        return {
            name: _least(partial(_cpu, [sys.executable, *more], Path(folder)), times=7)
            for name, more in commands.items()
        }


def _in_turns(measures: Mapping[str, Both], rounds: int) -> dict[str, Result]:
    # A machine is faster in one minute than in the next: each gets its share of both, and the
    # median of what it took.
    found: dict[str, list[tuple[float, float]]] = {who: [] for who in measures}
    for _ in range(rounds):
        for who, (start, total) in measures.items():
            found[who].append((start(), total()))
    return {
        who: _result(who, *(median(each) for each in zip(*taken, strict=True)))
        for who, taken in found.items()
    }


def _both(who: str, small: Lab, firm: Lab) -> Both:
    return partial(_cpu_of, small, who), partial(_cpu_of, firm, who)


def _cpu_of(firm: Lab, who: str) -> float:
    return firm.run(who).usage.cpu


def _cpu(command: Sequence[str | Path], folder: Path) -> float:
    return measure.run(command, folder).cpu


def _least(cpu: Callable[[], float], times: int) -> float:
    # Whatever else the machine does can only add to it.
    return min(cpu() for _ in range(times))


def _result(who: str, start: float, total: float) -> Result:
    net = total - start
    return {
        "who": who,
        "start_cpu": start,
        "total_cpu": total,
        "net_cpu": net,
        "rows_a_core_second": ROWS / net,
    }


def _pages(firm: Lab) -> Iterator[bytes]:
    for matter in json.loads(firm.get("/matters?Type=Matters,Leads"))["value"]:
        for offset in range(0, FEES_EACH, PAGE):
            yield firm.get(f"/matters/{matter['id']}/fees?Limit={PAGE}&Offset={offset}")
