"""A whole firm arrives once, exactly, and the second run brings only what changed."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball import dotnet_ticks
from tests.harness import FEES, MATTERS, asked, catalog, config, run, truth

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json

HYPERMEDIA = {"self", "relation", "rel", "method"}
LEGACY = {"clientIds", "otherSideIds", "personResponsibleStaffId"}


def test_a_firm_arrives_whole(start: StartFirm) -> None:
    firm = start(matters=700, fees=4, exact_fees=True)
    output = run(config(firm))
    assert output.status == 0
    for stream in ("matters", "fees"):
        rows = truth(firm, stream)
        assert output.ids(stream) == {row["row"]["id"]: 1 for row in rows}
    assert len(output.of("SCHEMA")) == 2
    assert len(json.dumps(output.state)) < 4096
    parents = {row["row"]["id"]: row["parent"] for row in truth(firm, "fees")}
    assert {record["id"]: record["matterId"] for record in output.records("fees")} == parents


@pytest.mark.parametrize("stream", ["matters", "fees"])
def test_every_value_arrives_as_it_was(start: StartFirm, stream: str) -> None:
    firm = start(matters=120)
    output = run(config(firm), catalog=catalog(select=["matters.items"]))
    records = {record["id"]: record for record in output.records(stream)}
    columns = set(
        next(m for m in output.of("SCHEMA") if m["stream"] == stream)["schema"]["properties"]
    )
    added = {"lastUpdatedAt", "extractedTicks", "feeTypeName", "extraFields"}
    for entry in truth(firm, stream):
        row, record = entry["row"], records[entry["row"]["id"]]
        assert set(record) == columns
        for name in columns - added - {"matterId"}:
            assert_same(record[name], row.get(name), name)
        extras = {name: row[name] for name in row.keys() - columns - HYPERMEDIA}
        assert (record["extraFields"] or {}) == extras
        assert extras.keys() <= LEGACY


def assert_same(mine: Any, theirs: Any, name: str) -> None:
    """Hold a column against the API's value by an own, slow reading of the rules."""
    if theirs is None or (isinstance(theirs, str) and theirs.startswith("0001-01-01T00:00:00")):
        assert mine is None, name
    elif isinstance(theirs, dict) and name != "items":
        for key in mine.keys() | (theirs.keys() - HYPERMEDIA):
            assert_same(mine[key], theirs.get(key), f"{name}.{key}")
    elif isinstance(theirs, list):
        assert len(mine) == len(theirs), name
        for one, other in zip(mine, theirs, strict=True):
            assert_same(one, other, name)
    elif name.endswith("Date") and name != "feeDate":
        assert dotnet_ticks.from_rfc3339(mine) == dotnet_ticks.from_rfc3339(theirs) // 10 * 10, name
        assert mine.endswith("Z"), name
        assert len(mine) <= len("2022-04-05T08:02:05.202740Z"), name
    else:
        assert (type(mine), mine, str(mine)) == (type(theirs), theirs, str(theirs)), name


class TestSecondRun:
    def test_without_changes_it_brings_nothing_but_the_overlap(self, start: StartFirm) -> None:
        firm = start(matters=700, fees=4, exact_fees=True)
        first = run(config(firm))
        firm.control.reset_requests()
        second = run(config(firm), first.state)
        newest = int(first.bookmark("matters")["replication_key_value"])
        overlap = newest - 300 * dotnet_ticks.PER_SECOND
        assert all(int(r["versionId"]) >= overlap for r in second.records("matters"))
        assert len(second.records("matters")) < 5
        assert second.records("fees") == []
        assert (asked(firm, MATTERS), asked(firm, FEES)) == (2, 700)

    def test_a_changed_fee_of_an_unchanged_matter_is_found(self, firm: SandboxServer) -> None:
        first = run(config(firm))
        changed = truth(firm, "fees")[5]["row"]["id"]
        firm.control.touch("fees", changed, set={"subject": "Corrected"})
        second = run(config(firm), first.state)
        assert [(r["id"], r["subject"]) for r in second.records("fees")] == [(changed, "Corrected")]

    def test_a_deleted_fee_arrives_as_an_update(self, firm: SandboxServer) -> None:
        first = run(config(firm))
        deleted = truth(firm, "fees")[5]["row"]["id"]
        firm.control.delete("fees", deleted, hard=False)
        second = run(config(firm), first.state)
        assert [(r["id"], r["isDeleted"]) for r in second.records("fees")] == [(deleted, True)]

    def test_a_converted_lead_brings_all_its_old_fees(self, start: StartFirm) -> None:
        firm = start(matters=60, fees=3, exact_fees=True)
        settings = config(firm, include_leads=False)
        first = run(settings)
        leads = [e["row"]["id"] for e in truth(firm, "matters") if e["row"]["isLead"]]
        assert not first.ids("matters").keys() & set(leads)
        firm.control.convert(leads[0])
        second = run(settings, first.state)
        assert leads[0] in second.ids("matters")
        expected = {e["row"]["id"]: 1 for e in truth(firm, "fees") if e["parent"] == leads[0]}
        assert len(expected) == 3
        assert second.ids("fees") == expected

    def test_a_reopened_matter_brings_what_was_out_of_view(self, start: StartFirm) -> None:
        firm = start(matters=60, fees=2, exact_fees=True)
        settings = config(firm, matter_statuses=["Open"])
        first = run(settings)
        closed = next(
            e["row"]["id"] for e in truth(firm, "matters") if e["row"]["status"] == "Closed"
        )
        firm.control.touch("matters", closed, set={"status": "Open"})
        second = run(settings, first.state)
        assert {r["matterId"] for r in second.records("fees")} == {closed}
        assert len(second.records("fees")) == 2

    def test_a_wider_view_is_read_in_full(self, start: StartFirm) -> None:
        firm = start(matters=60, fees=2, exact_fees=True)
        first = run(config(firm, include_leads=False))
        second = run(config(firm), first.state)
        both = first.ids("fees").keys() | second.ids("fees").keys()
        assert both == {e["row"]["id"] for e in truth(firm, "fees")}

    def test_the_view_being_the_same_costs_nothing(self, firm: SandboxServer) -> None:
        first = run(config(firm, matter_statuses=["Open", "Closed"]))
        second = run(config(firm, matter_statuses=["Closed", "Open"]), first.state)
        assert second.records("fees") == []

    def test_children_of_a_run_in_progress_are_not_missed(self, start: StartFirm) -> None:
        """A matter that comes into view while fees are read has a stamp that the next run sees."""
        firm = start(matters=40, fees=3, exact_fees=True)
        lead = next(e["row"]["id"] for e in truth(firm, "matters") if e["row"]["isLead"])
        firm.control.schedule(FEES, [{"command": "convert", "id": lead}], nth=2)
        settings = config(firm, include_leads=False, burst=1, lookback_seconds=0)
        first = run(settings)
        second = run(settings, first.state)
        expected = {e["row"]["id"] for e in truth(firm, "fees") if e["parent"] == lead}
        assert expected <= second.ids("fees").keys()


class TestStartDate:
    def test_the_first_run_brings_only_what_changed_since(self, start: StartFirm) -> None:
        firm = start(matters=80, fees=4, exact_fees=True)
        since = sorted(e["updated"] for e in truth(firm, "fees"))[200]
        output = run(config(firm, start_date=dotnet_ticks.to_rfc3339(since)))
        for stream in ("matters", "fees"):
            expected = {e["row"]["id"] for e in truth(firm, stream) if e["updated"] >= since}
            assert expected
            assert output.ids(stream).keys() == expected

    def test_it_does_not_hold_back_a_bookmark(self, firm: SandboxServer) -> None:
        first = run(config(firm, start_date="2001-01-01"))
        second = run(config(firm, start_date="2001-01-01"), first.state)
        assert second.records("fees") == []


class TestSelection:
    def test_nothing_is_requested_for_a_stream_that_is_not_selected(
        self, firm: SandboxServer
    ) -> None:
        output = run(config(firm), catalog=catalog(deselect=["fees"]))
        assert {m["stream"] for m in output.of("SCHEMA")} == {"matters"}
        assert len(output.records("matters")) == 12
        assert asked(firm, FEES) == 0

    def test_fees_alone(self, firm: SandboxServer) -> None:
        output = run(config(firm), catalog=catalog(deselect=["matters"]))
        assert {m["stream"] for m in output.of("SCHEMA")} == {"fees"}
        assert len(output.records("fees")) == 36
        assert "replication_key_value" not in output.state["bookmarks"].get("matters", {})

    def test_matters_alone_are_filtered_by_the_server(self, firm: SandboxServer) -> None:
        only = catalog(deselect=["fees"])
        first = run(config(firm), catalog=only)
        matter = truth(firm, "matters")[3]["row"]["id"]
        firm.control.touch("matters", matter, set={"description": "New"})
        firm.control.reset_requests()
        second = run(config(firm), first.state, only)
        assert matter in second.ids("matters")
        queries = [entry["query"] for entry in firm.control.requests(log=True)["log"]]
        assert any("LastUpdated=" in query and "UpdatedSince" not in query for query in queries)

    @pytest.mark.parametrize(
        ("deselect", "select", "fields"),
        [
            ((), (), "tags"),
            ((), ("matters.items",), "items%2Ctags"),
            (("matters.tags",), (), None),
        ],
    )
    def test_heavy_properties_are_asked_for_only_if_selected(
        self,
        firm: SandboxServer,
        deselect: tuple[str, ...],
        select: tuple[str, ...],
        fields: str | None,
    ) -> None:
        run(config(firm), catalog=catalog(deselect=deselect, select=select))
        log = firm.control.requests(log=True)["log"]
        query = next(entry["query"] for entry in log if entry["template"] == MATTERS)
        if fields is None:
            assert "Fields" not in query
        else:
            assert f"Fields={fields}&" in f"{query}&"

    def test_deselected_columns_are_gone_and_not_taken_for_unknown(
        self, firm: SandboxServer
    ) -> None:
        gone = ["matters.title", "matters.branch.href", "fees.staffId"]
        output = run(config(firm), catalog=catalog(deselect=gone))
        for record in output.records("matters"):
            assert "title" not in record
            assert "title" not in (record["extraFields"] or {})
            assert set(record["branch"] or {"id": 1}) == {"id"}
        assert not any("staffId" in record for record in output.records("fees"))

    def test_full_table_reads_everything_every_time(self, firm: SandboxServer) -> None:
        full: Json = {
            name: {"forced-replication-method": "FULL_TABLE"} for name in ("matters", "fees")
        }
        chosen = catalog(metadata=full)
        for stream in chosen["streams"]:
            stream.pop("replication_method")
        first = run(config(firm), catalog=chosen)
        second = run(config(firm), first.state, chosen)
        assert second.ids("fees") == first.ids("fees")
        assert len(second.records("matters")) == 12


@pytest.mark.parametrize("matters", [0, 1])
def test_a_firm_with_hardly_anything(start: StartFirm, matters: int) -> None:
    firm = start(matters=matters, fees=2, exact_fees=True)
    first = run(config(firm))
    assert first.status == 0
    assert (len(first.records("matters")), len(first.records("fees"))) == (matters, 2 * matters)
    assert len(first.of("SCHEMA")) == 2
    firm.control.add("matters")
    second = run(config(firm), first.state)
    added = {e["row"]["id"] for e in truth(firm, "matters")} - first.ids("matters").keys()
    assert len(added) == 1
    assert added <= second.ids("matters").keys()


def test_output_is_the_same_for_one_and_for_five_workers(start: StartFirm) -> None:
    firm = start(matters=150)

    def lines(burst: int) -> list[str]:
        output = run(config(firm, burst=burst))
        for record in output.records("fees"):
            record["extractedTicks"] = 0  # the clock
        return [json.dumps(message["record"], default=str) for message in output.of("RECORD")]

    assert lines(1) == lines(5)


def test_what_is_read_is_handed_on_before_the_list_ends(start: StartFirm) -> None:
    firm = start(matters=1, fees=50, exact_fees=True)
    firm.control.fail(how="status", status=400, template=FEES, count=1, after=2)
    output = run(config(firm, page_size=10))
    assert output.status == 1
    assert len(output.ids("fees")) == 19, "two pages, which share a row"


def test_matters_with_more_than_may_wait(start: StartFirm) -> None:
    """Workers wait for room, and all rows come; a failure meanwhile ends this stream alone."""
    firm = start(matters=4, fees=2_200, exact_fees=True)
    whole = run(config(firm, burst=3))
    assert (whole.status, len(whole.ids("fees"))) == (0, 4 * 2_200)
    firm.control.fail(how="status", status=400, template=FEES, count=1, after=8)
    chosen = catalog(wanted=["matters", "fees", "memos"])
    output = run(config(firm, burst=3), catalog=chosen)
    assert output.status == 1
    assert len(output.ids("fees")) < 4 * 2_200
    assert len(output.ids("memos")) == len(truth(firm, "memos"))


def test_the_process_is_left_as_it_was(firm: SandboxServer) -> None:
    """Not only a command line runs the tap, and perhaps again and again."""
    before = gc.get_threshold(), gc.get_freeze_count()
    assert run(config(firm)).status == 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_bookmarks_come_from_the_servers_clock(firm: SandboxServer) -> None:
    days = 40
    firm.control.settings(clock_offset_seconds=-days * 86_400)
    bookmark = run(config(firm)).bookmark("fees")["replication_key_value"]
    away = dotnet_ticks.now() - days * 86_400 * dotnet_ticks.PER_SECOND
    assert abs(bookmark - away) < 60 * dotnet_ticks.PER_SECOND
    assert bookmark <= away


def test_a_stamp_ahead_of_the_clock_does_not_carry_the_bookmark_away(firm: SandboxServer) -> None:
    matter = truth(firm, "matters")[0]["row"]["id"]
    firm.control.touch(
        "matters", matter, updated=dotnet_ticks.now() + 3600 * dotnet_ticks.PER_SECOND
    )
    bookmark = run(config(firm)).bookmark("matters")["replication_key_value"]
    assert int(bookmark) <= dotnet_ticks.now()


def test_without_the_servers_clock_the_machines_own_serves(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    firm.control.settings(date_header=False)
    first = run(config(firm))
    assert (
        abs(first.bookmark("fees")["replication_key_value"] - dotnet_ticks.now())
        < 60 * dotnet_ticks.PER_SECOND
    )
    assert sum("sends no Date" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("garbage", ["yesterday", -5, None, {"a": 1}])
def test_a_state_that_makes_no_sense_is_read_as_none(firm: SandboxServer, garbage: object) -> None:
    good = run(config(firm))
    state = json.loads(json.dumps(good.state))
    state["bookmarks"]["fees"]["replication_key_value"] = garbage
    state["bookmarks"]["fees"]["resume"] = garbage
    assert run(config(firm), state).ids("fees") == good.ids("fees")


def test_children_come_though_a_stream_map_drops_their_parents(firm: SandboxServer) -> None:
    maps = {"matters": {"__filter__": "isLead == 'never'"}}
    output = run(config(firm, stream_maps=maps))
    assert output.records("matters") == []
    assert len(output.records("fees")) == 36
