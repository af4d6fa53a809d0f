"""Generate the benchmark tables of the documentation from the stored results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import report

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results"


def pages(
    read: Callable[[str], str], replace_block: Callable[[str, str, str, list[str]], str]
) -> dict[str, str]:
    """Return the pages that show the results, by file name.

    Args:
        read: Returns the text of a file.
        replace_block: Returns a text with the lines of one generated block replaced.
    """
    results = _results()
    performance = read("docs/performance.md")
    for block, render in {
        "provenance": report.provenance,
        "goals": report.goals,
        "rate-limit": report.rate_limit,
        "cpu": report.cpu,
        "decoding": report.decoding,
        "start-up": report.start_up,
        "scaling": report.scaling,
        "changes": report.changes,
        "freshness": report.freshness,
        "day": report.day,
    }.items():
        lines = ["", *render(results), ""]
        performance = replace_block(performance, "<!-- {} -->", block, lines)
    return {
        "benchmarks/results/results.md": report.render_page(results),
        "docs/performance.md": performance,
    }


def readme_block() -> list[str]:
    """Return the comparison for the README: chart, table and provenance."""
    results = _results()
    return [
        "![Rate limit use and rows per CPU-second](benchmarks/results/results.png)",
        "",
        *report.overview(results),
        "",
        *report.provenance(results),
    ]


def _results() -> dict[str, Any]:
    results: dict[str, Any] = json.loads((RESULTS / "results.json").read_text("utf-8"))
    return results
