"""Measure the CPU time of rows (50,000 fees in pages of 500, no latency) and of start-up.

All figures are CPU seconds of the process, so the speed of the sandbox does not matter. The cost of
a row excludes the start, which is measured with a firm of one matter and one fee. All of them run
alternately.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks import decoding, measure
from benchmarks.competitors import COMPETITORS, STOCK, TAP, SimulatedFirm, simulated_firm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MATTERS, FEES_PER_MATTER, PAGE_SIZE = 10, 5_000, 500
ROWS = MATTERS * FEES_PER_MATTER
LOWER_BOUND, LOWER_BOUND_FLOATS = "lower bound", "lower bound, floats"

Result = dict[str, Any]
Measurements = tuple[Callable[[], float], Callable[[], float]]
"""One function measures the start alone, the other a whole run."""


def measure_rows() -> dict[str, Any]:
    """Measure the CPU time per row of each competitor and of the lower bound."""
    large = simulated_firm(matters=MATTERS, fees=FEES_PER_MATTER, exact_fees=True)
    with simulated_firm(matters=1, fees=1, exact_fees=True) as small, large as firm:
        pages = firm.folder / "pages"
        pages.write_bytes(b"".join(page + b"\n" for page in fee_pages(firm, FEES_PER_MATTER)))
        empty = firm.folder / "empty"
        empty.touch()
        program = [sys.executable, "-m", "benchmarks.lower_bound"]
        bounds: dict[str, list[str]] = {LOWER_BOUND: [], LOWER_BOUND_FLOATS: ["--floats"]}
        measurements = {name: _measurements(name, small, firm) for name in COMPETITORS} | {
            name: (
                partial(_cpu, [*program, empty, *options], firm.folder),
                partial(_cpu, [*program, pages, *options], firm.folder),
            )
            for name, options in bounds.items()
        }
        results = _alternate(measurements, rounds=5)
        decoded = decoding.measure(pages, firm.folder)
    return {
        "rows": ROWS,
        "competitors": [results[name] for name in (*COMPETITORS, *bounds)],
        "times_stock": results[STOCK]["net_cpu"] / results[TAP]["net_cpu"],
        "times_lower_bound": results[TAP]["net_cpu"] / results[LOWER_BOUND]["net_cpu"],
        "decoding": decoded,
    }


def measure_start_up() -> dict[str, float]:
    """Measure the CPU time of importing the SDK and of the tap's commands."""
    commands = {
        "import singer_sdk": ["-c", "import singer_sdk"],
        "--version": ["-m", "tap_smokeball", "--version"],
        "--discover": ["-m", "tap_smokeball", "--discover"],
    }
    with TemporaryDirectory() as folder:
        return {
            name: _minimum(partial(_cpu, [measure.TAP_PYTHON, *options], Path(folder)), times=7)
            for name, options in commands.items()
        }


def _alternate(measurements: Mapping[str, Measurements], rounds: int) -> dict[str, Result]:
    # The speed of a machine varies from minute to minute. Alternating and medians even this out.
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in measurements}
    for _ in range(rounds):
        for name, (start, total) in measurements.items():
            samples[name].append((start(), total()))
    return {
        name: _result(name, *(median(each) for each in zip(*values, strict=True)))
        for name, values in samples.items()
    }


def _measurements(name: str, small: SimulatedFirm, firm: SimulatedFirm) -> Measurements:
    return partial(_run_cpu, small, name), partial(_run_cpu, firm, name)


def _run_cpu(firm: SimulatedFirm, name: str) -> float:
    return firm.run(name).usage.cpu


def _cpu(command: Sequence[str | Path], folder: Path) -> float:
    return measure.run(command, folder).cpu


def _minimum(cpu: Callable[[], float], times: int) -> float:
    # Other load on the machine can only add time.
    return min(cpu() for _ in range(times))


def _result(name: str, start: float, total: float) -> Result:
    net = total - start
    return {
        "name": name,
        "start_cpu": start,
        "total_cpu": total,
        "net_cpu": net,
        "rows_per_cpu_second": ROWS / net,
    }


def fee_pages(firm: SimulatedFirm, fees_per_matter: int) -> Iterator[bytes]:
    """Yield the pages of the fees of all matters."""
    for matter in firm.matter_ids():
        for offset in range(0, fees_per_matter, PAGE_SIZE):
            yield firm.get(f"/matters/{matter}/fees?Limit={PAGE_SIZE}&Offset={offset}")
