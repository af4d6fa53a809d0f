"""What moved since the last run is read first, though the sweep of the firm takes several runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness import FEES, asked, catalog, config, cut_short, run, truth

if TYPE_CHECKING:
    from tests.conftest import StartFirm
    from tests.harness import Output

pytestmark = pytest.mark.slow

CHILDREN = ("fees", "expenses", "invoices", "matter_roles")


def test_changed_matters_come_before_the_sweep_goes_on(start: StartFirm) -> None:
    firm = start(matters=80, fees=1, exact_fees=True, latency_ms=25)
    settings = config(firm, burst=1, lookback_seconds=0)
    first = cut_short(settings)
    place = first.bookmark("fees")["resume"]["after"]
    behind = next(e["parent"] for e in truth(firm, "fees") if e["parent"] < place)
    new = firm.control.add("fees", parent=behind)["row"]["id"]
    firm.control.touch("matters", behind, set={"description": "Moved"})
    firm.control.reset_requests()
    second = cut_short(settings, first.state)
    fees = second.records("fees")
    assert fees[0]["matterId"] == behind
    assert new in {fee["id"] for fee in fees}
    assert len({fee["matterId"] for fee in fees}) > 1


def test_with_a_time_limit_they_come_first_for_every_stream(start: StartFirm) -> None:
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=25)
    wanted = catalog(wanted=("matters", *CHILDREN))
    state = run(config(firm), catalog=wanted).state
    moved = truth(firm, "matters")[-1]["row"]["id"]
    firm.control.touch("matters", moved, set={"description": "Moved"})
    for seconds in range(1, 60):
        limited = config(firm, burst=1, lookback_seconds=0, max_run_minutes=seconds / 60)
        output = run(limited, state, wanted)
        if all(output.records(name) for name in CHILDREN):
            break
    for name in CHILDREN:
        assert output.records(name)[0]["matterId"] == moved, name
        assert len([m for m in output.of("SCHEMA") if m["stream"] == name]) == 1
    assert any("resume" in output.bookmark(name) for name in CHILDREN)


def test_what_was_read_ahead_is_not_swept_in_the_same_run(start: StartFirm) -> None:
    firm = start(matters=30, fees=1, exact_fees=True)
    state = run(config(firm)).state
    for at in range(10):
        firm.control.touch("matters", nth=at, set={"description": "Moved"})
    firm.control.reset_requests()
    second = run(config(firm), state)
    assert len(second.records("fees")) >= 10
    assert asked(firm, FEES) == 30


def test_a_change_of_everything_keeps_no_sweep_from_its_end(start: StartFirm) -> None:
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=25)
    state = run(config(firm)).state
    for matter in truth(firm, "matters"):
        firm.control.touch("matters", matter["row"]["id"], set={"description": "Moved"})
    began = state["bookmarks"]["fees"]["replication_key_value"]
    outputs: list[Output] = []
    seconds = 0
    while state["bookmarks"]["fees"]["replication_key_value"] == began:
        seconds += not outputs or not outputs[-1].records("fees")
        settings = config(firm, burst=1, lookback_seconds=0, max_run_minutes=seconds / 60)
        outputs.append(run(settings, state))
        state = outputs[-1].state
        assert len(outputs) < 30
    everything = {entry["row"]["id"] for entry in truth(firm, "fees")}
    assert set().union(*(output.ids("fees") for output in outputs)) == everything
    assert sum(bool(output.records("fees")) for output in outputs) > 1
