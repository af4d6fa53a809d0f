"""Compare results with the stored ones of the same machine: no ratio may fall by more than 10%.

A ratio compares the tap with something measured alternately with it, so that the load of the
machine matters little. More is better.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from benchmarks.competitors import TAP

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FALL = 0.10

Results = dict[str, Any]


def ratios(results: Results) -> dict[str, float]:
    """Return the ratios of some results; parts that are missing have none.

    A case that failed has the ratio 0. A negative one, which other load can cause, is left out.
    """
    found = chain(_ratios(results), _ratios_to_earlier_version(results))
    return {name: ratio for name, ratio in found if ratio >= 0}


def _ratios(results: Results) -> Iterator[tuple[str, float]]:
    if "cpu" in results:
        cpu = {each["name"]: each["net_cpu"] for each in results["cpu"]["competitors"]}
        for name in cpu.keys() - {TAP}:
            yield f"CPU of rows, {name} / tap", cpu[name] / cpu[TAP]
    if "start_up" in results:
        start = results["start_up"]
        for command in ("--version", "--discover"):
            yield (
                f"CPU of start-up, import singer_sdk / {command}",
                start["import singer_sdk"] / start[command],
            )
    for case in results.get("rate_limit", ()):
        if case["name"] == TAP:
            place = f"{case['rate']} per second, {case['latency_ms']} ms"
            yield f"Share of the rate limit, {place}", case.get("share", 0.0)
    sizes = {(each["name"], each["matters"]): each for each in results.get("scaling", ())}
    for (name, matters), each in sizes.items():
        if name != TAP and (tap := sizes.get((TAP, matters))):
            # Not the CPU of a matter: it is the difference of two single runs, which varies too
            # much. The figures of an earlier version have it, from the least of several.
            for unit in ("peak_mb", "bytes_out"):
                yield f"{unit} of {matters:,} matters, {name} / tap", each[unit] / tap[unit]


def _ratios_to_earlier_version(results: Results) -> Iterator[tuple[str, float]]:
    for figure in results.get("goals", {}).get("figures", ()):
        if figure["is_checked"]:
            yield f"{figure['name']}, before / now", figure["before"] / figure["now"]


def is_same_machine(before: Results, after: Results) -> bool:
    """Return whether two results are of one machine, with one version of Python."""
    return bool(before) and (
        before["machine"] == after["machine"]
        and before["versions"]["python"] == after["versions"]["python"]
    )


def compare(before: Results, after: Results) -> tuple[list[str], list[str]]:
    """Return a line for each ratio, before and after, and the names of those that fell."""
    old, new = ratios(before), ratios(after)
    lines, fallen = [], []
    for name in sorted(old.keys() & new.keys()):
        change = new[name] / old[name] - 1 if old[name] else 0.0
        has_fallen = change < -MAX_FALL
        lines.append(
            f"{old[name]:8.2f} {new[name]:8.2f} {change:+7.1%}  {name}"
            + ("  FALLEN" if has_fallen else "")
        )
        if has_fallen:
            fallen.append(name)
    return lines, fallen
