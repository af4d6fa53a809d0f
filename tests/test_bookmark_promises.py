"""Bookmarks: rows that become visible late arrive, and nothing stale stays in the state."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.singerlib import RecordMessage, StateMessage

from tap_smokeball import dotnet_ticks
from tap_smokeball.singer.message_writer import BufferedMessageWriter
from tests.harness import FEES, config, run, sandbox_rows, small_catalog

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer

pytestmark = pytest.mark.slow

SECOND = dotnet_ticks.PER_SECOND


def oldest_matter_fee(firm: SandboxServer) -> str:
    """Return the id of a fee of the matter that has not changed for longest."""
    oldest = min(sandbox_rows(firm, "matters"), key=lambda entry: entry["updated"])
    fees = sandbox_rows(firm, "fees")
    return next(str(e["row"]["id"]) for e in fees if e["parent"] == oldest["row"]["id"])


@pytest.mark.parametrize(("seconds_before", "is_read"), [(290, True), (310, False)])
def test_lookback_finds_rows_before_bookmark(
    firm: SandboxServer, seconds_before: int, *, is_read: bool
) -> None:
    """A row that appears late, with an earlier time of change, is found."""
    first = run(config(firm))
    fee = oldest_matter_fee(firm)
    bookmark = first.bookmark("fees")["replication_key_value"]
    late = bookmark - seconds_before * SECOND
    firm.control.touch("fees", fee, set={"subject": "Late"}, updated=late)
    second = run(config(firm, lookback_seconds=300), first.state)
    assert (fee in second.ids("fees")) == is_read


def test_full_pass_of_future_is_not_resumed(firm: SandboxServer) -> None:
    """A resume position from the future would let the bookmark skip rows."""
    complete = run(config(firm))
    ids = sorted(entry["row"]["id"] for entry in sandbox_rows(firm, "matters"))
    resume = {
        "pass_started": dotnet_ticks.now() + 3600 * SECOND,
        "last_parent_id": ids[5],
        "view_fingerprint": complete.bookmark("fees")["view_fingerprint"],
    }
    output = run(config(firm), {"bookmarks": {"fees": {"resume": resume}}})
    assert output.ids("fees") == complete.ids("fees")
    assert output.bookmark("fees")["replication_key_value"] <= dotnet_ticks.now()


def test_contacts_of_other_view_are_read_in_full(firm: SandboxServer) -> None:
    """No list of all contacts shows which of them another user sees."""
    selection = small_catalog("contacts")
    first = run(config(firm), catalog=selection)
    second = run(config(firm, user_id="someone"), first.state, selection)
    assert second.ids("contacts") == first.ids("contacts")


def test_start_date_limits_contacts(firm: SandboxServer) -> None:
    rows = sorted(sandbox_rows(firm, "contacts"), key=lambda entry: int(entry["updated"]))
    start = rows[len(rows) // 2]["updated"]
    settings = config(firm, start_date=dotnet_ticks.to_rfc3339(start))
    output = run(settings, catalog=small_catalog("contacts"))
    expected = {entry["row"]["id"] for entry in rows if entry["updated"] >= start}
    assert output.ids("contacts").keys() == expected


def test_complete_pass_forgets_changed_parents(firm: SandboxServer) -> None:
    """The state names the changed matters that were read only until the pass is complete."""
    firm.control.settings(clock_offset_seconds=-100)
    first = run(config(firm))
    bookmark = first.bookmark("fees")["replication_key_value"]
    matter = sandbox_rows(firm, "matters")[0]["row"]["id"]
    firm.control.settings(clock_offset_seconds=-40)
    firm.control.touch("matters", matter, set={"title": "New"}, updated=bookmark + 10 * SECOND)
    firm.control.fail(count=100, how="status", status=401, template=FEES, after=3)
    second = run(config(firm, burst=1), first.state)
    firm.control.clear_faults()
    assert second.bookmark("fees")["changed_parents_until"] == bookmark + 10 * SECOND + 1
    third = run(config(firm), second.state)
    assert third.status == 0
    assert "changed_parents_until" not in third.bookmark("fees")


def test_bookmark_of_fees_precedes_their_listing(firm: SandboxServer) -> None:
    """A fee that changes while later matters are read arrives with the next run."""
    fee = sandbox_rows(firm, "fees")[0]
    ids = sorted(entry["row"]["id"] for entry in sandbox_rows(firm, "matters"))
    fee = next(e for e in sandbox_rows(firm, "fees") if e["parent"] == ids[0])["row"]["id"]
    change = {"command": "touch", "resource": "fees", "id": fee, "set": {"subject": "Late"}}
    firm.control.settings(clock_offset_seconds=-1000)
    firm.control.schedule(FEES, [{"command": "settings", "clock_offset_seconds": -940}], nth=6)
    firm.control.schedule(FEES, [change], nth=8)
    settings = config(firm, burst=1, lookback_seconds=1)
    first = run(settings)
    assert {r["subject"] for r in first.records("fees") if r["id"] == fee} != {"Late"}
    second = run(settings, first.state)
    assert [r["subject"] for r in second.records("fees") if r["id"] == fee] == ["Late"]


def test_state_message_flushes_buffer(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """A STATE reaches the target at once, with all records before it."""
    writer = BufferedMessageWriter()
    writer.write_message(RecordMessage(stream="fees", record={"id": "a"}))
    assert capsysbinary.readouterr().out == b""
    writer.write_message(StateMessage(value={"bookmarks": {}}))
    lines = capsysbinary.readouterr().out.splitlines()
    assert [line.partition(b",")[0] for line in lines] == [
        b'{"type":"RECORD"',
        b'{"type":"STATE"',
    ]


@pytest.mark.parametrize("ending", ["complete", "failed", "target crash"])
def test_run_restores_garbage_collector(firm: SandboxServer, ending: str) -> None:
    """Other programs may run the tap in their process, whatever ends the run."""
    before = gc.get_threshold(), gc.get_freeze_count()
    during: set[Any] = set()

    def observe(_: object) -> None:
        during.add((gc.get_threshold(), gc.get_freeze_count() > 0))

    if ending == "failed":
        firm.control.fail(count=100, how="status", status=400, template=FEES)
    crash_at = 5 if ending == "target crash" else None
    output = run(config(firm), crash_at=crash_at, on_message=observe)
    assert (output.status == 0) == (ending == "complete")
    assert len(during) == 1
    assert (before[0], True) not in during
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
