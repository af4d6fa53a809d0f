"""Changed matters are read first, also while a full pass takes several runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness import (
    FEES,
    catalog,
    config,
    request_count,
    run,
    run_until_time_limit,
    sandbox_rows,
)

if TYPE_CHECKING:
    from tests.conftest import StartFirm
    from tests.harness import Output

pytestmark = pytest.mark.slow

CHILDREN = ("fees", "expenses", "invoices", "matter_roles")


def test_changed_matters_precede_resumed_pass(start: StartFirm) -> None:
    """A resumed run reads changed matters first, then continues the full pass."""
    firm = start(matters=80, fees=1, exact_fees=True, latency_ms=25)
    settings = config(firm, burst=1, lookback_seconds=0)
    first = run_until_time_limit(settings)
    last_parent_id = first.bookmark("fees")["resume"]["last_parent_id"]
    earlier_parent = next(
        e["parent"] for e in sandbox_rows(firm, "fees") if e["parent"] < last_parent_id
    )
    new = firm.control.add("fees", parent=earlier_parent)["row"]["id"]
    firm.control.touch("matters", earlier_parent, set={"description": "Moved"})
    firm.control.reset_requests()
    second = run_until_time_limit(settings, first.state)
    fees = second.records("fees")
    assert fees[0]["matterId"] == earlier_parent
    assert new in {fee["id"] for fee in fees}
    assert len({fee["matterId"] for fee in fees}) > 1


def test_changed_matters_come_first_per_stream(start: StartFirm) -> None:
    """With a time limit, each child stream starts with the changed matter."""
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=25)
    wanted = catalog(wanted=("matters", *CHILDREN))
    state = run(config(firm), catalog=wanted).state
    changed = sandbox_rows(firm, "matters")[-1]["row"]["id"]
    firm.control.touch("matters", changed, set={"description": "Moved"})
    for seconds in range(1, 60):
        limited = config(firm, burst=1, lookback_seconds=0, max_run_minutes=seconds / 60)
        output = run(limited, state, wanted)
        if all(output.records(name) for name in CHILDREN):
            break
    for name in CHILDREN:
        assert output.records(name)[0]["matterId"] == changed, name
        assert len([m for m in output.messages_of_type("SCHEMA") if m["stream"] == name]) == 1
    assert any("resume" in output.bookmark(name) for name in CHILDREN)


def test_changed_matters_are_read_once_per_run(start: StartFirm) -> None:
    """The full pass skips matters that the same run has read."""
    firm = start(matters=30, fees=1, exact_fees=True)
    state = run(config(firm)).state
    for nth in range(10):
        firm.control.touch("matters", nth=nth, set={"description": "Moved"})
    firm.control.reset_requests()
    second = run(config(firm), state)
    assert len(second.records("fees")) >= 10
    assert request_count(firm, FEES) == 30


def test_full_pass_ends_when_all_matters_change(start: StartFirm) -> None:
    """A change of all matters does not keep the full pass from its end."""
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=25)
    state = run(config(firm)).state
    for matter in sandbox_rows(firm, "matters"):
        firm.control.touch("matters", matter["row"]["id"], set={"description": "Moved"})
    old_bookmark = state["bookmarks"]["fees"]["replication_key_value"]
    outputs: list[Output] = []
    seconds = 0
    while state["bookmarks"]["fees"]["replication_key_value"] == old_bookmark:
        seconds += not outputs or not outputs[-1].records("fees")
        settings = config(firm, burst=1, lookback_seconds=0, max_run_minutes=seconds / 60)
        outputs.append(run(settings, state))
        state = outputs[-1].state
        assert len(outputs) < 30
    all_ids = {entry["row"]["id"] for entry in sandbox_rows(firm, "fees")}
    assert set().union(*(output.ids("fees") for output in outputs)) == all_ids
    assert sum(bool(output.records("fees")) for output in outputs) > 1
