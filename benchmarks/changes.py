"""Measure a second run after 1% of the fees changed: its requests, rows and output."""

from __future__ import annotations

from typing import Any

from benchmarks.competitors import COMPETITORS, simulated_firm

MATTERS, FEES_PER_MATTER = 300, 10
CHANGED_FEES = MATTERS * FEES_PER_MATTER // 100

Result = dict[str, Any]


def measure() -> list[Result]:
    """Extract a firm with each competitor, change 1% of its fees, and extract it again."""
    results: list[Result] = []
    with simulated_firm(matters=MATTERS, fees=FEES_PER_MATTER, exact_fees=True) as firm:
        first = {name: firm.run(name) for name in COMPETITORS}
        entries = firm.sandbox.control.rows("fees")
        for entry in entries[:: len(entries) // CHANGED_FEES][:CHANGED_FEES]:
            firm.sandbox.control.touch("fees", id=entry["row"]["id"], parent=entry["parent"])
        for name in COMPETITORS:
            second = firm.run(name, first[name].state)
            results.append(
                {
                    "name": name,
                    "changed": CHANGED_FEES,
                    "rows": second.rows,
                    "requests": second.requests,
                    "bytes_out": second.bytes_out,
                    "first_bytes_out": first[name].bytes_out,
                }
            )
    return results
