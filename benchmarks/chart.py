"""Draw the chart of the stored results: two questions, one highlighted bar in each.

The tap is at the top, the others follow in their order. What a bar cannot show is written in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from benchmarks.competitors import SCRIPT, TAP
from benchmarks.report import competitors

if TYPE_CHECKING:
    from pathlib import Path

TAP_COLOR, OTHER_COLOR, NOTE_COLOR, REJECTED_COLOR = "#1b6ca8", "#c3c9cf", "#3c4043", "#b3261e"
RATE, LATENCY_MS = 5, 200
"""The case of the left side: Smokeball's rate limit, at a usual latency."""

SCRIPT_NOTE = "no schema, checks nothing"

Bar = tuple[str, float, str, str]
"""Name, value, label and note of a bar."""


def draw(results: dict[str, Any], path: Path) -> None:
    """Write the chart as PNG."""
    style = {"axes.spines.top": False, "axes.spines.right": False, "font.size": 10}
    with plt.rc_context(style):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4))
        _draw(left, "Speed, as a share of what the rate limit allows", _rate_limit_bars(results))
        _draw(right, "Rows per second of CPU", _cpu_bars(results))
        figure.tight_layout(w_pad=3)
        figure.savefig(path, dpi=120, metadata={"Software": None})
        plt.close(figure)


def _rate_limit_bars(results: dict[str, Any]) -> list[Bar]:
    return [
        (
            case["name"],
            100 * case.get("share", 0),
            f"{100 * case['share']:.1f}%" if "share" in case else "failed",
            f"{case['rejected']:,} requests rejected" if case["rejected"] else "",
        )
        for case in results["rate_limit"]
        if (case["rate"], case["latency_ms"]) == (RATE, LATENCY_MS)
    ]


def _cpu_bars(results: dict[str, Any]) -> list[Bar]:
    measured = {each["name"]: each["rows_per_cpu_second"] for each in results["cpu"]["competitors"]}
    return [
        (name, measured[name], f"{measured[name]:,.0f}", SCRIPT_NOTE if name == SCRIPT else "")
        for name in competitors(results)
    ]


def _draw(axes: Any, title: str, bars: list[Bar]) -> None:
    bars = sorted(bars, key=lambda bar: (bar[0] == TAP, bar[1]))
    names = [name for name, *_ in bars]
    values = [value for _, value, *_ in bars]
    colors = [TAP_COLOR if name == TAP else OTHER_COLOR for name in names]
    axes.barh(names, values, color=colors, height=0.7)
    limit = max(values)
    for position, (name, value, label, note) in enumerate(bars):
        weight = "bold" if name == TAP else "normal"
        axes.text(value + limit * 0.02, position, label, va="center", weight=weight)
        if note:
            color = NOTE_COLOR if name == SCRIPT else REJECTED_COLOR
            axes.text(limit * 0.02, position, note, va="center", color=color, fontsize=8.5)
    for tick in axes.get_yticklabels():
        if tick.get_text() == TAP:
            tick.set_weight("bold")
    axes.set_title(title, loc="left", fontsize=11, weight="bold")
    axes.set_xlim(0, limit * 1.2)
    axes.set_xticks([])
    axes.tick_params(left=False)
    axes.spines[["bottom", "left"]].set_visible(False)
