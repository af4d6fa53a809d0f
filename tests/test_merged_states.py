"""States that an orchestrator merges: Meltano, and ``--state-strategy=merge``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness import config, run, run_until_time_limit, sandbox_rows
from tests.interleaving_runner import merge_states

if TYPE_CHECKING:
    from tests.conftest import StartFirm

pytestmark = pytest.mark.slow


def test_resume_of_other_bookmark_is_ignored(start: StartFirm) -> None:
    """A cut full refresh after a load with start_date leaves no fee unread."""
    firm = start(matters=80, fees=1, exact_fees=True, latency_ms=25)
    old = run(config(firm, start_date="2026-06-01"))
    cut = run_until_time_limit(config(firm, burst=1))
    merged = merge_states(old.state, cut.state)
    done = cut.ids("fees").keys()
    last = run(config(firm), merged)
    later = run(config(firm), last.state)
    assert last.status == later.status == 0
    expected = {each["row"]["id"] for each in sandbox_rows(firm, "fees")}
    bookmark = old.bookmark("fees")["replication_key_value"]
    old_rows = {e["row"]["id"] for e in sandbox_rows(firm, "fees") if e["updated"] < bookmark}
    delivered = old.ids("fees").keys() | done | last.ids("fees").keys() | later.ids("fees").keys()
    assert delivered >= expected - (old_rows - done)


def test_stale_resume_skips_no_changed_fee(start: StartFirm) -> None:
    """Where keys are never removed, a resume point of an earlier pass stays in the state."""
    firm = start(matters=80, fees=1, exact_fees=True, latency_ms=25)
    firm.control.settings(clock_offset_seconds=-1000)
    cut = run_until_time_limit(config(firm, burst=1, lookback_seconds=1))
    state = merge_states(cut.state, run(config(firm, lookback_seconds=1), cut.state).state)
    assert "resume" in state["bookmarks"]["fees"]
    for number, each in enumerate(sandbox_rows(firm, "fees")):
        firm.control.settings(clock_offset_seconds=100 * (number + 1) - 1000)
        firm.control.touch("fees", each["row"]["id"], set={"subject": "Changed"})
        if number == 3:
            break
    output = run(config(firm, lookback_seconds=1), state)
    changed = [r for r in sandbox_rows(firm, "fees") if r["row"].get("subject") == "Changed"]
    assert {each["row"]["id"] for each in changed} <= output.ids("fees").keys()
