"""Run the benchmarks and store their results: ``python -m benchmarks [PART ...]``.

Without arguments, all parts run. With names of parts (``rate_limit``, ``cpu``, ...), only these run
and the other stored results stay. ``report`` runs none: it only rewrites the page and the chart.

If the stored results are of the same machine, and a ratio falls by more than 10%, the exit status
is 1 and the new results are not stored, unless ``--accept`` is given.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import (
    changes,
    cpu,
    day_model,
    day_model_check,
    freshness_model,
    freshness_model_check,
    goals,
    machine,
    regression,
    scaling,
)
from benchmarks.earlier_version import NoHistoryError
from benchmarks.rate_limit_use import RateLimitBenchmark

RESULTS = Path(__file__).parent / "results"
PARTS = ("rate_limit", "cpu", "scaling", "changes", "freshness", "day", "goals")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks, print and store the results, and return the exit status."""
    options = _parser().parse_args(arguments)
    requested = options.parts
    parts = [part for part in PARTS if part in requested or not requested]
    stored = RESULTS / "results.json"
    results: dict[str, Any] = json.loads(stored.read_text("utf-8")) if stored.exists() else {}
    started = time.monotonic()
    if parts:
        measured = measure(parts, started, options.before)
        if _has_fallen(results, measured) and not options.accept:
            return 1
        results |= measured
        if set(parts) == set(PARTS):
            results["seconds"] = round(time.monotonic() - started)
        results = {"measured_on": date.today().isoformat(), **machine.describe()} | {  # noqa: DTZ011
            name: results[name] for name in (*PARTS, "start_up", "seconds") if name in results
        }
        RESULTS.mkdir(exist_ok=True)
        stored.write_text(json.dumps(_rounded(results), indent=1) + "\n", "utf-8")
    from benchmarks import chart, report  # noqa: PLC0415 - see `measure.Usage.peak_mb`

    page = report.render_page(json.loads(stored.read_text("utf-8")))
    (RESULTS / "results.md").write_text(page, "utf-8")
    chart.draw(json.loads(stored.read_text("utf-8")), RESULTS / "results.png")
    sys.stdout.write(page)
    return 0


def _has_fallen(stored: dict[str, Any], measured: dict[str, Any]) -> bool:
    """Show the ratios before and after; return whether one fell by too much."""
    measured = measured | machine.describe()
    if not regression.is_same_machine(stored, measured):
        sys.stderr.write("The stored results are of another machine: nothing to compare with.\n")
        return False
    lines, fallen = regression.compare(stored, measured)
    sys.stderr.write("\n".join([" stored      new   change", *lines, ""]))
    if fallen:
        sys.stderr.write(
            f"{len(fallen)} ratios fell by more than {regression.MAX_FALL:.0%}. Find out why, or "
            "store the new results with --accept.\n"
        )
    return bool(fallen)


def measure(parts: list[str], started: float, before: str = goals.BEFORE) -> dict[str, Any]:
    """Run some of the benchmarks.

    Args:
        parts: Names of the benchmarks.
        started: Monotonic time from which the progress lines count.
        before: Commit of the tap to compare with.
    """

    def show(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - started:4.0f} s  {text}\n")

    results: dict[str, Any] = {}
    rate_limit = RateLimitBenchmark() if "rate_limit" in parts else None
    if rate_limit:
        show("rate limit: 300 matters, three latencies, two rates")
        rate_limit.run_fast_cases()
    if "cpu" in parts:
        show("CPU: 50,000 fees")
        results |= {"cpu": cpu.measure_rows(), "start_up": cpu.measure_start_up()}
    if "changes" in parts:
        show("changes: a second run after 1% of the fees changed")
        results["changes"] = changes.measure()
    if "freshness" in parts:
        show("freshness: hourly runs on a virtual clock")
        results["freshness"] = freshness_model.simulate() | {"check": freshness_model_check.check()}
    if "day" in parts:
        show("a day with webhooks on a virtual clock")
        results["day"] = {"ways": day_model.simulate(), "check": day_model_check.check()}
    if "scaling" in parts:
        show("scaling: up to 16,000 matters")
        results["scaling"] = scaling.measure()
    if rate_limit:
        show("rate limit: waiting for the slowest cases")
        results["rate_limit"] = rate_limit.results()
    if "goals" in parts:
        show("goals: this version and an earlier one")
        results |= _measure_goals(before)
    show("done")
    return results


def _measure_goals(before: str) -> dict[str, Any]:
    try:
        return {"goals": goals.measure_goals(before)}
    except NoHistoryError as error:
        sys.stderr.write(f"goals: skipped, because {error}\n")
        return {}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 4) if isinstance(value, float) else value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Run the benchmarks and store their results."
    )
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        type=_part,
        help=f"{', '.join(PARTS)}, or report to rewrite the page only (default: all)",
    )
    parser.add_argument(
        "--accept", action="store_true", help="store the results also if a ratio fell"
    )
    parser.add_argument(
        "--before",
        metavar="COMMIT",
        default=goals.BEFORE,
        help="commit with which the part goals compares (default: %(default).7s)",
    )
    return parser


def _part(name: str) -> str:
    if name not in {*PARTS, "report"}:
        raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join((*PARTS, 'report'))}")
    return name


if __name__ == "__main__":
    sys.exit(main())
