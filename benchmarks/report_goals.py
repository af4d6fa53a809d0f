"""Render the comparison with an earlier version of the tap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.markdown_tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping

Figure = dict[str, Any]

DIGITS = {"MB": 1, "ms": 2, "s": 2, "": 2}


def goals(results: Mapping[str, Any]) -> list[str]:
    """Render each figure before and now, its ratio and its goal."""
    measured = results.get("goals")
    if not measured:
        return ["Not measured yet: it needs the history of the repository."]
    rows = [
        [
            figure["name"],
            _number(figure["before"], figure["unit"]),
            _number(figure["now"], figure["unit"]),
            f"{figure['now'] / figure['before']:.2f}",
            _goal(figure),
            _verdict(figure),
        ]
        for figure in measured["figures"]
    ]
    return [
        f"The tap of commit `{measured['before'][:7]}` and that of this checkout ran alternately",
        "in one environment, three times or more each; the least figure counts.",
        "Less is better.",
        "",
        *table(["", "Before", "Now", "Now / before", "Goal", "Reached"], rows),
    ]


def limit(figure: Figure) -> float | None:
    """Return the largest value that reaches the goal, or None without a goal."""
    if "goal_share" in figure:
        return float(figure["goal_share"] * figure["before"])
    value: float | None = figure.get("goal_value")
    return value


def _goal(figure: Figure) -> str:
    if "goal_share" in figure:
        return f"{figure['goal_share']:.2f} of before"
    return _number(figure["goal_value"], figure["unit"]) if "goal_value" in figure else ""


def _verdict(figure: Figure) -> str:
    most = limit(figure)
    if most is None:
        return ""
    return "yes" if figure["now"] <= most else "no"


def _number(value: float, unit: str) -> str:
    return f"{value:.{DIGITS[unit]}f} {unit}".strip()
