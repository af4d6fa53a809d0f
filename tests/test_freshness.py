"""What moved since the last run is read first, though the sweep of the firm takes several runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness import FEES, asked, catalog, config, run, truth

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json, Output

CHILDREN = ("fees", "expenses", "invoices", "matter_roles")


def limited(firm: SandboxServer, **more: object) -> Json:
    return config(firm, burst=1, max_run_minutes=1 / 60, lookback_seconds=0, **more)


def test_changed_matters_come_before_the_sweep_goes_on(start: StartFirm) -> None:
    firm = start(matters=80, fees=1, exact_fees=True, latency_ms=25)
    first = run(limited(firm))
    place = first.bookmark("fees")["resume"]["after"]
    behind = next(e["parent"] for e in truth(firm, "fees") if e["parent"] < place)
    new = firm.control.add("fees", parent=behind)["row"]["id"]
    firm.control.touch("matters", behind, set={"description": "Moved"})
    firm.control.reset_requests()
    second = run(limited(firm), first.state)
    fees = second.records("fees")
    assert fees[0]["matterId"] == behind
    assert new in {fee["id"] for fee in fees}
    assert len({fee["matterId"] for fee in fees}) > 2
    assert "resume" in second.bookmark("fees") or "caught_up" in second.bookmark("fees")


def test_with_a_time_limit_they_come_first_for_every_stream(start: StartFirm) -> None:
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=25)
    wanted = catalog(wanted=("matters", *CHILDREN))
    state = run(config(firm), catalog=wanted).state
    moved = truth(firm, "matters")[-1]["row"]["id"]
    first = run(limited(firm), state, wanted)
    (swept,) = (name for name in CHILDREN if "resume" in first.bookmark(name))
    firm.control.touch("matters", moved, set={"description": "Moved"})
    second = run(limited(firm), first.state, wanted)
    for name in CHILDREN:
        assert moved in {record["matterId"] for record in second.records(name)}, name
        assert len([m for m in second.of("SCHEMA") if m["stream"] == name]) == 1
    assert second.bookmark(swept) != first.bookmark(swept)


def test_what_was_read_ahead_is_not_swept_in_the_same_run(start: StartFirm) -> None:
    firm = start(matters=30, fees=1, exact_fees=True)
    state = run(config(firm)).state
    for at in range(10):
        firm.control.touch("matters", nth=at, set={"description": "Moved"})
    firm.control.reset_requests()
    second = run(config(firm), state)
    assert len(second.records("fees")) >= 10
    assert asked(firm, FEES) == 30


@pytest.mark.parametrize("limit", [1 / 60, 1.5 / 60])
def test_a_change_of_everything_keeps_no_sweep_from_its_end(start: StartFirm, limit: float) -> None:
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=25)
    state = run(config(firm)).state
    for matter in truth(firm, "matters"):
        firm.control.touch("matters", matter["row"]["id"], set={"description": "Moved"})
    began = state["bookmarks"]["fees"]["replication_key_value"]
    outputs: list[Output] = []
    while state["bookmarks"]["fees"]["replication_key_value"] == began:
        outputs.append(run({**limited(firm), "max_run_minutes": limit}, state))
        state = outputs[-1].state
        assert len(outputs) < 9
    everything = {entry["row"]["id"] for entry in truth(firm, "fees")}
    assert set().union(*(output.ids("fees") for output in outputs)) == everything
