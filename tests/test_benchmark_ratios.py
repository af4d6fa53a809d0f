"""The benchmark notices when the tap becomes slower beside the others."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from benchmarks import regression
from benchmarks.competitors import TAP
from benchmarks.earlier_version import NoHistoryError, earlier_version
from benchmarks.report_goals import goals
from tests.servers import ROOT

STORED = json.loads((ROOT / "benchmarks/results/results.json").read_text(encoding="utf-8"))


def slow_down(factor: float) -> dict[str, Any]:
    """Return the stored results, with more CPU for the rows of the tap."""
    results: dict[str, Any] = copy.deepcopy(STORED)
    [tap] = [each for each in results["cpu"]["competitors"] if each["name"] == TAP]
    tap["net_cpu"] *= factor
    return results


def test_benchmark_reports_fallen_ratios() -> None:
    others = len(STORED["cpu"]["competitors"]) - 1
    lines, fallen = regression.compare(STORED, slow_down(1.2))
    assert len(fallen) == others
    assert sum(line.endswith("FALLEN") for line in lines) == others
    assert len(lines) > 2 * others


def test_benchmark_accepts_noise_and_gains() -> None:
    for factor in (1.09, 1.0, 0.5):
        assert regression.compare(STORED, slow_down(factor))[1] == []


def test_benchmark_reports_lost_share_of_rate() -> None:
    results = copy.deepcopy(STORED)
    case = next(each for each in results["rate_limit"] if each["name"] == TAP)
    case["share"] *= 0.85
    assert len(regression.compare(STORED, results)[1]) == 1
    case["failed"] = True
    del case["share"]
    assert len(regression.compare(STORED, results)[1]) == 1


def test_benchmark_compares_parts_of_one_machine() -> None:
    part = {"cpu": slow_down(2)["cpu"]}
    assert regression.compare(STORED, part)[1]
    assert regression.is_same_machine(STORED, STORED)
    other = {**STORED, "machine": {**STORED["machine"], "cores": 64}}
    assert not regression.is_same_machine(STORED, other)
    assert not regression.is_same_machine({}, STORED)


def test_benchmark_reports_lost_goals() -> None:
    """Less is better: a larger figure is a fallen ratio, and may miss its goal."""
    figure = {
        "name": "CPU",
        "unit": "s",
        "before": 4.0,
        "now": 2.0,
        "goal_share": 0.5,
        "is_checked": True,
    }
    stored, worse = (
        {"goals": {"before": "0" * 40, "figures": [figure | {"now": now}]}} for now in (2.0, 2.3)
    )
    assert regression.compare(stored, stored)[1] == []
    assert regression.compare(stored, worse)[1] == ["CPU, before / now"]
    assert goals(stored)[-1] == "| CPU | 4.00 s | 2.00 s | 0.50 | 0.50 of before | yes |"
    assert goals(worse)[-1].endswith("| no |")


def test_benchmark_names_unknown_commit() -> None:
    with pytest.raises(NoHistoryError, match="not in the history"), earlier_version("0" * 40):
        pass
