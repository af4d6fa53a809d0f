"""Draw the chart of the stored results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from benchmarks.competitors import COMPETITORS, DLT, STOCK, TAP

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
        _draw_rate_limit(left, results["rate_limit"])
        _draw_cpu(right, results["cpu"]["competitors"])
        figure.tight_layout()
        figure.savefig(path, dpi=120, metadata={"Software": None})
        plt.close(figure)


def _draw_rate_limit(axes: Any, results: list[dict[str, Any]]) -> None:
    width = 0.8 / len(COMPETITORS)
    for index, name in enumerate(COMPETITORS):
        by_latency = {
            result["latency_ms"]: result
            for result in results
            if result["name"] == name and result["rate"] == RATE
        }
        positions = [group + (index - 1) * width for group in range(len(LATENCIES))]
        shares = [100 * by_latency[ms].get("share", 0) for ms in LATENCIES]
        bars = axes.bar(positions, shares, width * 0.92, color=COLORS[name], label=name)
        rejected = [by_latency[ms]["rejected"] for ms in LATENCIES]
        axes.bar_label(bars, [f"{n} x 429" if n else "" for n in rejected], fontsize=7, padding=1)
    axes.set_title("Share of the ideal time (5 requests per second)", loc="left", fontsize=10)
    axes.set_xticks(range(len(LATENCIES)), [f"{ms} ms" for ms in LATENCIES])
    axes.set_xlabel("API latency")
    axes.set_ylim(0, 128)
    axes.set_yticks(range(0, 101, 25), [f"{share}%" for share in range(0, 101, 25)])
    axes.legend(loc="upper right", ncols=3, frameon=False, fontsize=8)


def _draw_cpu(axes: Any, results: list[dict[str, Any]]) -> None:
    shown = [result for result in results if result["name"] in {*COMPETITORS, "lower bound"}]
    shown.reverse()
    names = [result["name"] for result in shown]
    speeds = [result["rows_per_cpu_second"] for result in shown]
    colors = [COLORS.get(name, "#dfe3e6") for name in names]
    bars = axes.barh(names, speeds, color=colors)
    axes.bar_label(bars, [f"{speed:,.0f}" for speed in speeds], fontsize=8, padding=3)
    axes.set_title("Rows per CPU-second", loc="left", fontsize=10)
    axes.set_xlim(0, max(speeds) * 1.2)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
