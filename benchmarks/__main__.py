"""Measures everything and stores it: ``python -m benchmarks``.

With names of parts behind it (``allowance``, ``cpu``, …) only these are measured anew, and the rest
stays as it is stored; with ``report`` nothing is measured, only the page and the chart are written.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import changes, cpu, freshness_model, freshness_model_check, machine, scaling
from benchmarks.rate_limit_use import Allowance

RESULTS = Path(__file__).parent / "results"
PARTS = ("allowance", "cpu", "scaling", "changes", "day")


def main(wanted: list[str]) -> int:
    """Measure, print and store; return the exit status."""
    if unknown := set(wanted) - {*PARTS, "report"}:
        sys.stderr.write(f"There is no {', '.join(sorted(unknown))}; choose of {PARTS}\n")
        return 2
    parts = [part for part in PARTS if part in wanted or not wanted]
    stored = RESULTS / "results.json"
    results: dict[str, Any] = json.loads(stored.read_text("utf-8")) if stored.exists() else {}
    began = time.monotonic()
    if parts:
        results |= measure(parts, began)
        if set(parts) == set(PARTS):
            results["seconds"] = round(time.monotonic() - began)
        results = {"made": date.today().isoformat(), **machine.describe()} | {  # noqa: DTZ011
            name: results[name] for name in (*PARTS, "start_up", "seconds") if name in results
        }
        RESULTS.mkdir(exist_ok=True)
        stored.write_text(json.dumps(_rounded(results), indent=1) + "\n", "utf-8")
    from benchmarks import chart, report  # noqa: PLC0415 - see `measure.Usage.peak_mb`

    page = report.page(json.loads(stored.read_text("utf-8")))
    (RESULTS / "results.md").write_text(page, "utf-8")
    chart.draw(json.loads(stored.read_text("utf-8")), RESULTS / "results.png")
    sys.stdout.write(page)
    return 0


def measure(parts: list[str], began: float) -> dict[str, Any]:
    """Measure some parts."""

    def say(what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:4.0f} s  {what}\n")

    results: dict[str, Any] = {}
    allowance = Allowance() if "allowance" in parts else None
    if allowance:
        say("the allowance: 300 matters at three latencies")
        allowance.quick()
    if "cpu" in parts:
        say("CPU: 50,000 fees")
        results |= {"cpu": cpu.rows(), "start_up": cpu.start_up()}
    if "changes" in parts:
        say("a second run after 1% of the fees changed")
        results["changes"] = changes.measure()
    if "day" in parts:
        say("a day of hourly runs, on a virtual clock")
        results["day"] = freshness_model.simulate() | {"check": freshness_model_check.check()}
    if "scaling" in parts:
        say("scaling: up to 16,000 matters")
        results["scaling"] = scaling.measure()
    if allowance:
        say("the slowest of those that only wait")
        results["allowance"] = allowance.results()
    say("done")
    return results


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
