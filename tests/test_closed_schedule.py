"""The full pass over closed matters beside events and the intervals of other passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball import dotnet_ticks
from tests.event_firm import EventFirm, narrow_catalog
from tests.test_events import shifted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Json, Output

CATALOG = narrow_catalog("matters", "fees")
INTERVALS = {"full_pass_interval_hours": 24, "closed_matters_interval_hours": 240}


@pytest.fixture
def firm(tmp_path: Path) -> EventFirm:
    firm = EventFirm(tmp_path, matters=6)
    # Matters that changed a moment ago are read once more.
    firm.control.settings(clock_offset_seconds=-172_800)
    for number, matter in enumerate(firm.matter_ids):
        status = "Closed" if number < 2 else "Open"
        firm.control.touch("matters", matter, set={"status": status, "isLead": False})
    firm.control.settings(clock_offset_seconds=0)
    return firm


def run(firm: EventFirm, state: Json | None, **settings: Any) -> tuple[Output, list[str]]:
    """Run the tap, and return the matters whose fees it has read as well."""
    firm.control.reset_requests()
    output = firm.run(state, CATALOG, **(INTERVALS | settings))
    log = firm.control.requests(log=True)["log"]
    assert output.status == 0, output.stderr
    return output, sorted(e["path"].split("/")[2] for e in log if e["path"].endswith("/fees"))


def test_closed_pass_keeps_interval_of_its_own(firm: EventFirm) -> None:
    closed, live = firm.matter_ids[:2], firm.matter_ids[2:]
    output, read = run(firm, None)
    assert read == [*closed, *live]
    output, read = run(firm, shifted(output.state, 25))
    assert read == live
    output, read = run(firm, output.state)
    assert read == []
    fees = output.state["bookmarks"]["fees"]
    output, read = run(firm, output.state, closed_matters_interval_hours=20)
    assert read == closed
    after = output.state["bookmarks"]["fees"]
    assert after["replication_key_value"] == fees["replication_key_value"]
    assert (
        after["closed_matters"]["replication_key_value"]
        > fees["closed_matters"]["replication_key_value"]
    )
    output, read = run(firm, output.state, closed_matters_interval_hours=20)
    assert read == []


def test_named_closed_matter_takes_older_mark(firm: EventFirm) -> None:
    matter = firm.matter_ids[0]
    firm.control.settings(clock_offset_seconds=-120)
    output, _ = run(firm, None, lookback_seconds=1)
    firm.control.settings(clock_offset_seconds=-60)
    fee = firm.control.add("fees", parent=matter)["row"]["id"]
    firm.control.settings(clock_offset_seconds=0)
    output, read = run(firm, output.state, lookback_seconds=1, full_pass_interval_hours=0.001)
    assert matter not in read
    closed = output.state["bookmarks"]["fees"]["closed_matters"]
    firm.notify("fee.updated", matter)
    output, read = run(firm, output.state, lookback_seconds=1)
    assert (read, fee in output.ids("fees")) == ([matter], True)
    assert output.state["bookmarks"]["fees"]["closed_matters"] == closed


def test_gap_makes_both_passes_due(firm: EventFirm) -> None:
    output, _ = run(firm, None)
    output, _ = run(firm, shifted(output.state, 1))
    firm.add_gap()
    output, read = run(firm, output.state)
    assert read == firm.matter_ids


@pytest.mark.parametrize("seconds", [-3600, -30, 0, 30, 3600])
def test_closed_pass_is_in_each_run(firm: EventFirm, seconds: int) -> None:
    """Without an interval it is, also if the clock of the API is behind that of the last run."""
    output, _ = run(firm, None)
    fees = output.state["bookmarks"]["fees"]
    fees.pop("full_pass_due")
    firm.control.settings(clock_offset_seconds=-60, date_header=True)
    completed = dotnet_ticks.now() + (seconds - 60) * dotnet_ticks.PER_SECOND
    closed = fees["closed_matters"]
    closed["replication_key_value"] = closed["parent_digest"]["from_bookmark"] = completed
    output, read = run(firm, output.state, **dict.fromkeys(INTERVALS, 0))
    assert read == firm.matter_ids
