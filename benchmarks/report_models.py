"""Render the results of the models on a virtual clock."""

from __future__ import annotations

from typing import Any

from benchmarks.markdown_tables import table

Results = dict[str, Any]


def freshness(results: Results) -> list[str]:
    """Render the age of the data with hourly runs."""
    model = results["freshness"]
    check = model["check"]
    matter_changed, only_row_changed = model["matter_changed"], model["only_row_changed"]
    rows = [
        [
            "The row and its matter",
            _age(matter_changed, "median"),
            _age(matter_changed, "worst"),
        ],
        ["Only the row", _age(only_row_changed, "median"), _age(only_row_changed, "worst")],
    ]
    verdict = "the same" if check["same_reads"] else "NOT the same"
    return [
        f"A model of the tap on a virtual clock: {model['matters']:,} matters, of which",
        f"{model['changed_per_day']} change per day; {model['streams']} child streams of matters;",
        f"{model['rate']:g} requests per second; hourly runs with",
        f"`max_run_minutes: {model['limit_minutes']:g}`. A full pass takes",
        f"{model['runs_per_full_pass']:.1f} runs. Time until a change is loaded:",
        "",
        *table(["Changed", "Median", "Worst case"], rows),
        "",
        f"The model was compared with {check['runs']} real runs on a small firm: they read",
        f"{verdict} children, with {check['requests_per_run']:.0f} requests per run instead of the",
        f"predicted {check['predicted_requests_per_run']:.0f}.",
    ]


def day(results: Results) -> list[str]:
    """Render the requests of a day and the age of the data, with and without webhooks."""
    ways, check = results["day"]["ways"], results["day"]["check"]
    rows = [
        [
            f"{way['matters']:,}",
            way["way"],
            f"{way['requests']:,}",
            *(_minutes(way[f"{age}_minutes"]) for age in ("median", "percentile_95", "worst")),
        ]
        for way in ways
    ]
    head = ["Matters", "Way", "Requests a day", "Median", "95 %", "Worst case"]
    verdict = "the same" if check["same_reads"] else "NOT the same"
    return [
        "A model of the tap on a virtual clock: four child streams; 5 requests per second;",
        "0.3 changed lists a day for each matter, in office hours; 2% of the events are lost, the",
        "others arrive after 8 seconds. With events, a run starts each five minutes and ends after",
        "four and a half. Time until a change is loaded:",
        "",
        *table(head, rows),
        "",
        f"The model was compared with {check['runs']} real runs on a small firm: they read",
        f"{verdict} lists. A run in which nothing was due sent {check['requests_of_quiet_run']}",
        "requests.",
    ]


def _minutes(minutes: float) -> str:
    return f"{minutes:.1f} minutes" if minutes < 2 * 60 else f"{minutes / 60:.1f} hours"


def _age(delays: dict[str, float], statistic: str) -> str:
    hours = delays[f"{statistic}_hours"]
    return f"{hours:.1f} hours" if hours > 2 else f"{hours * 60:.0f} minutes"  # noqa: PLR2004
