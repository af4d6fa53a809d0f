"""What a second run asks for and hands on, after 1% of the fees changed."""

from __future__ import annotations

from typing import Any

from benchmarks.competitors import ALL, lab

MATTERS, FEES_EACH = 300, 10
CHANGED = MATTERS * FEES_EACH // 100

Result = dict[str, Any]


def measure() -> list[Result]:
    """Let each extract a firm, change 1% of its fees, and let each extract it again."""
    found: list[Result] = []
    with lab(matters=MATTERS, fees=FEES_EACH, exact_fees=True) as firm:
        first = {who: firm.run(who) for who in ALL}
        entries = firm.sandbox.control.rows("fees")
        for entry in entries[:: len(entries) // CHANGED][:CHANGED]:
            firm.sandbox.control.touch("fees", id=entry["row"]["id"], parent=entry["parent"])
        for who in ALL:
            again = firm.run(who, first[who].state)
            found.append(
                {
                    "who": who,
                    "changed": CHANGED,
                    "rows": again.rows,
                    "requests": again.requests,
                    "bytes_out": again.bytes_out,
                    "first_bytes_out": first[who].bytes_out,
                }
            )
    return found
