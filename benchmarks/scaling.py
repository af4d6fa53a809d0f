"""Measure firms of 1,000, 4,000 and 16,000 matters with one fee each, without latency."""

from __future__ import annotations

from typing import Any

from benchmarks.competitors import AIRBYTE, DLT, SCRIPT, STOCK, TAP, simulated_firm

SIZES = {
    TAP: (1_000, 4_000, 16_000),
    SCRIPT: (1_000, 4_000, 16_000),
    AIRBYTE: (1_000, 4_000),
    DLT: (1_000, 4_000),
    STOCK: (500, 1_000),
}
"""The others run at fewer sizes: the cost of the stock tap grows quadratically."""

Result = dict[str, Any]


def measure() -> list[Result]:
    """Run each competitor at its sizes."""
    results: list[Result] = []
    start_cpu = {}
    with simulated_firm(matters=1, fees=1, exact_fees=True) as small:
        for name in SIZES:
            start_cpu[name] = small.run(name).usage.cpu
    for size in sorted({size for sizes in SIZES.values() for size in sizes}):
        with simulated_firm(matters=size, fees=1, exact_fees=True) as firm:
            for name, sizes in SIZES.items():
                if size in sizes:
                    run = firm.run(name)
                    usage = run.usage
                    results.append(
                        {
                            "name": name,
                            "matters": size,
                            "rows": run.rows.get("fees", 0),
                            "cpu": usage.cpu,
                            "cpu_ms_per_matter": (usage.cpu - start_cpu[name]) / size * 1000,
                            "bytes_out": run.bytes_out,
                            "messages": usage.messages,
                            "peak_mb": usage.peak_mb,
                            "log_lines": usage.log_lines,
                        }
                    )
    return results
