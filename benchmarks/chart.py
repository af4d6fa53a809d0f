"""Draws the stored results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from benchmarks.competitors import ALL, DLT, STOCK, TAP

if TYPE_CHECKING:
    from pathlib import Path

COLORS = {TAP: "#1b6ca8", STOCK: "#b0b7bf", DLT: "#d9a441"}
LATENCIES = (50, 200, 800)
RATE = 5


def draw(results: dict[str, Any], path: Path) -> None:
    """Write the chart as PNG."""
    style = {"axes.spines.top": False, "axes.spines.right": False, "font.size": 9}
    with plt.rc_context(style):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), width_ratios=(3, 2))
        _allowance(left, results["allowance"])
        _cpu(right, results["cpu"]["contestants"])
        figure.tight_layout()
        figure.savefig(path, dpi=120, metadata={"Software": None})
        plt.close(figure)


def _allowance(axes: Any, found: list[dict[str, Any]]) -> None:
    width = 0.8 / len(ALL)
    for at, who in enumerate(ALL):
        ours = {
            one["latency_ms"]: one for one in found if one["who"] == who and one["rate"] == RATE
        }
        places = [place + (at - 1) * width for place in range(len(LATENCIES))]
        shares = [100 * ours[ms].get("share", 0) for ms in LATENCIES]
        bars = axes.bar(places, shares, width * 0.92, color=COLORS[who], label=who)
        refused = [ours[ms]["refused"] for ms in LATENCIES]
        axes.bar_label(bars, [f"{n} x 429" if n else "" for n in refused], fontsize=7, padding=1)
    axes.set_title("Share of the ideal time (5 requests a second)", loc="left", fontsize=10)
    axes.set_xticks(range(len(LATENCIES)), [f"{ms} ms" for ms in LATENCIES])
    axes.set_xlabel("latency of the API")
    axes.set_ylim(0, 128)
    axes.set_yticks(range(0, 101, 25), [f"{share}%" for share in range(0, 101, 25)])
    axes.legend(loc="upper right", ncols=3, frameon=False, fontsize=8)


def _cpu(axes: Any, found: list[dict[str, Any]]) -> None:
    shown = [one for one in found if one["who"] in {*ALL, "floor"}]
    shown.reverse()
    names = [one["who"] for one in shown]
    speeds = [one["rows_a_core_second"] for one in shown]
    colors = [COLORS.get(name, "#dfe3e6") for name in names]
    bars = axes.barh(names, speeds, color=colors)
    axes.bar_label(bars, [f"{speed:,.0f}" for speed in speeds], fontsize=8, padding=3)
    axes.set_title("Rows a core-second", loc="left", fontsize=10)
    axes.set_xlim(0, max(speeds) * 1.2)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
