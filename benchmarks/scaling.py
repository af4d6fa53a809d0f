"""What a larger firm costs: 1,000, 4,000 and 16,000 matters with a fee each, no latency."""

from __future__ import annotations

from typing import Any

from benchmarks.competitors import DLT, STOCK, TAP, lab

SIZES = {TAP: (1_000, 4_000, 16_000), STOCK: (500, 1_000), DLT: (1_000, 4_000)}
"""The others run at fewer sizes: the stock tap takes with the square of the matters."""

Result = dict[str, Any]


def measure() -> list[Result]:
    """Run each contestant at its sizes."""
    found: list[Result] = []
    start = {}
    with lab(matters=1, fees=1, exact_fees=True) as small:
        for who in SIZES:
            start[who] = small.run(who).usage.cpu
    for size in sorted({size for sizes in SIZES.values() for size in sizes}):
        with lab(matters=size, fees=1, exact_fees=True) as firm:
            for who, sizes in SIZES.items():
                if size in sizes:
                    outcome = firm.run(who)
                    usage = outcome.usage
                    found.append(
                        {
                            "who": who,
                            "matters": size,
                            "rows": outcome.rows.get("fees", 0),
                            "cpu": usage.cpu,
                            "cpu_ms_a_matter": (usage.cpu - start[who]) / size * 1000,
                            "bytes_out": outcome.bytes_out,
                            "messages": usage.messages,
                            "peak_mb": usage.peak_mb,
                            "log_lines": usage.log_lines,
                        }
                    )
    return found
