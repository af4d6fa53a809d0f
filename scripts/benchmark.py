"""Write the benchmark's stored results into the README and the docs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import report

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results"


def pages(read: Callable[[str], str], between: Callable[..., str]) -> dict[str, str]:
    """Return the pages that show the results, by name.

    Args:
        read: Returns a file's text.
        between: Returns a text with what stands between two comments replaced.
    """
    results: dict[str, Any] = json.loads((RESULTS / "results.json").read_text("utf-8"))
    performance = read("docs/performance.md")
    for part, lines in {
        "provenance": report.provenance,
        "rate-limit": report.rate_limit,
        "cpu": report.cpu,
        "decoding": report.decoding,
        "start-up": report.start_up,
        "scaling": report.scaling,
        "changes": report.changes,
        "freshness": report.freshness,
    }.items():
        performance = between(performance, "<!-- {} -->", part, ["", *lines(results), ""])
    return {
        "benchmarks/results/results.md": report.render_page(results),
        "docs/performance.md": performance,
    }


def block() -> list[str]:
    """Return the comparison for the README: the chart, the table, and how to make them."""
    results: dict[str, Any] = json.loads((RESULTS / "results.json").read_text("utf-8"))
    return [
        "![Share of the ideal time and rows per CPU-second](benchmarks/results/results.png)",
        "",
        *report.overview(results),
        "",
        *report.provenance(results),
    ]
