"""A first run delivers the whole firm once, the second only the changes."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball import dotnet_ticks
from tests.harness import FEES, MATTERS, catalog, config, request_count, run, sandbox_rows

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json

HYPERMEDIA = {"self", "relation", "rel", "method"}
LEGACY_FIELDS = {"clientIds", "otherSideIds", "personResponsibleStaffId"}


def test_full_run_delivers_whole_firm_once(start: StartFirm) -> None:
    firm = start(matters=700, fees=4, exact_fees=True)
    output = run(config(firm))
    assert output.status == 0
    for stream in ("matters", "fees"):
        rows = sandbox_rows(firm, stream)
        assert output.ids(stream) == {row["row"]["id"]: 1 for row in rows}
    assert len(output.messages_of_type("SCHEMA")) == 2
    assert len(json.dumps(output.state)) < 4096
    parents = {row["row"]["id"]: row["parent"] for row in sandbox_rows(firm, "fees")}
    assert {record["id"]: record["matterId"] for record in output.records("fees")} == parents


@pytest.mark.parametrize("stream", ["matters", "fees"])
def test_full_run_keeps_values_of_api(start: StartFirm, stream: str) -> None:
    """Columns and extraFields hold the values that the API sent."""
    firm = start(matters=120)
    output = run(config(firm), catalog=catalog(select=["matters.items"]))
    records = {record["id"]: record for record in output.records(stream)}
    columns = set(
        next(m for m in output.messages_of_type("SCHEMA") if m["stream"] == stream)["schema"][
            "properties"
        ]
    )
    added = {"lastUpdatedAt", "extractedTicks", "feeTypeName", "extraFields"}
    for entry in sandbox_rows(firm, stream):
        row, record = entry["row"], records[entry["row"]["id"]]
        assert set(record) == columns
        for name in columns - added - {"matterId"}:
            assert_same(record[name], row.get(name), name)
        extras = {name: row[name] for name in row.keys() - columns - HYPERMEDIA}
        assert (record["extraFields"] or {}) == extras
        assert extras.keys() <= LEGACY_FIELDS


def assert_same(actual: Any, expected: Any, name: str) -> None:
    """Compare a value with the API's, by an independent implementation of the rules."""
    if expected is None or (
        isinstance(expected, str) and expected.startswith("0001-01-01T00:00:00")
    ):
        assert actual is None, name
    elif isinstance(expected, dict) and name != "items":
        for key in actual.keys() | (expected.keys() - HYPERMEDIA):
            assert_same(actual[key], expected.get(key), f"{name}.{key}")
    elif isinstance(expected, list):
        assert len(actual) == len(expected), name
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other, name)
    elif name.endswith("Date") and name != "feeDate":
        assert (
            dotnet_ticks.from_rfc3339(actual) == dotnet_ticks.from_rfc3339(expected) // 10 * 10
        ), name
        assert actual.endswith("Z"), name
        assert len(actual) <= len("2022-04-05T08:02:05.202740Z"), name
    else:
        assert (type(actual), actual, str(actual)) == (type(expected), expected, str(expected)), (
            name
        )


class TestSecondRun:
    def test_second_run_without_changes_reads_overlap(self, start: StartFirm) -> None:
        firm = start(matters=700, fees=4, exact_fees=True)
        first = run(config(firm))
        firm.control.reset_requests()
        second = run(config(firm), first.state)
        newest = int(first.bookmark("matters")["replication_key_value"])
        overlap = newest - 300 * dotnet_ticks.PER_SECOND
        assert all(int(r["versionId"]) >= overlap for r in second.records("matters"))
        assert len(second.records("matters")) < 5
        assert second.records("fees") == []
        assert (request_count(firm, MATTERS), request_count(firm, FEES)) == (2, 700)

    def test_second_run_finds_fee_of_unchanged_matter(self, firm: SandboxServer) -> None:
        first = run(config(firm))
        changed = sandbox_rows(firm, "fees")[5]["row"]["id"]
        firm.control.touch("fees", changed, set={"subject": "Corrected"})
        second = run(config(firm), first.state)
        assert [(r["id"], r["subject"]) for r in second.records("fees")] == [(changed, "Corrected")]

    def test_second_run_updates_deleted_fee(self, firm: SandboxServer) -> None:
        first = run(config(firm))
        deleted = sandbox_rows(firm, "fees")[5]["row"]["id"]
        firm.control.delete("fees", deleted, hard=False)
        second = run(config(firm), first.state)
        assert [(r["id"], r["isDeleted"]) for r in second.records("fees")] == [(deleted, True)]

    def test_converted_lead_brings_its_old_fees(self, start: StartFirm) -> None:
        """A lead that becomes a matter in the view brings all its fees."""
        firm = start(matters=60, fees=3, exact_fees=True)
        settings = config(firm, include_leads=False)
        first = run(settings)
        leads = [e["row"]["id"] for e in sandbox_rows(firm, "matters") if e["row"]["isLead"]]
        assert not first.ids("matters").keys() & set(leads)
        firm.control.convert(leads[0])
        second = run(settings, first.state)
        assert leads[0] in second.ids("matters")
        expected = {
            e["row"]["id"]: 1 for e in sandbox_rows(firm, "fees") if e["parent"] == leads[0]
        }
        assert len(expected) == 3
        assert second.ids("fees") == expected

    def test_reopened_matter_brings_its_old_fees(self, start: StartFirm) -> None:
        firm = start(matters=60, fees=2, exact_fees=True)
        settings = config(firm, matter_statuses=["Open"])
        first = run(settings)
        closed = next(
            e["row"]["id"] for e in sandbox_rows(firm, "matters") if e["row"]["status"] == "Closed"
        )
        firm.control.touch("matters", closed, set={"status": "Open"})
        second = run(settings, first.state)
        assert {r["matterId"] for r in second.records("fees")} == {closed}
        assert len(second.records("fees")) == 2

    def test_wider_view_causes_full_read(self, start: StartFirm) -> None:
        firm = start(matters=60, fees=2, exact_fees=True)
        first = run(config(firm, include_leads=False))
        second = run(config(firm), first.state)
        both = first.ids("fees").keys() | second.ids("fees").keys()
        assert both == {e["row"]["id"] for e in sandbox_rows(firm, "fees")}

    def test_same_view_in_other_order_is_incremental(self, firm: SandboxServer) -> None:
        first = run(config(firm, matter_statuses=["Open", "Closed"]))
        second = run(config(firm, matter_statuses=["Closed", "Open"]), first.state)
        assert second.records("fees") == []

    def test_lead_converted_during_run_is_not_missed(self, start: StartFirm) -> None:
        """The next run reads the fees of a lead that was converted during the run."""
        firm = start(matters=40, fees=3, exact_fees=True)
        lead = next(e["row"]["id"] for e in sandbox_rows(firm, "matters") if e["row"]["isLead"])
        firm.control.schedule(FEES, [{"command": "convert", "id": lead}], nth=2)
        settings = config(firm, include_leads=False, burst=1, lookback_seconds=0)
        first = run(settings)
        second = run(settings, first.state)
        expected = {e["row"]["id"] for e in sandbox_rows(firm, "fees") if e["parent"] == lead}
        assert expected <= second.ids("fees").keys()


class TestStartDate:
    def test_start_date_limits_first_run(self, start: StartFirm) -> None:
        firm = start(matters=80, fees=4, exact_fees=True)
        since = sorted(e["updated"] for e in sandbox_rows(firm, "fees"))[200]
        output = run(config(firm, start_date=dotnet_ticks.to_rfc3339(since)))
        for stream in ("matters", "fees"):
            expected = {e["row"]["id"] for e in sandbox_rows(firm, stream) if e["updated"] >= since}
            assert expected
            assert output.ids(stream).keys() == expected

    def test_start_date_does_not_override_bookmark(self, firm: SandboxServer) -> None:
        first = run(config(firm, start_date="2001-01-01"))
        second = run(config(firm, start_date="2001-01-01"), first.state)
        assert second.records("fees") == []


class TestSelection:
    def test_deselected_stream_makes_no_requests(self, firm: SandboxServer) -> None:
        output = run(config(firm), catalog=catalog(deselect=["fees"]))
        assert {m["stream"] for m in output.messages_of_type("SCHEMA")} == {"matters"}
        assert len(output.records("matters")) == 12
        assert request_count(firm, FEES) == 0

    def test_fees_selected_alone_keep_matter_bookmark(self, firm: SandboxServer) -> None:
        output = run(config(firm), catalog=catalog(deselect=["matters"]))
        assert {m["stream"] for m in output.messages_of_type("SCHEMA")} == {"fees"}
        assert len(output.records("fees")) == 36
        assert "replication_key_value" not in output.state["bookmarks"].get("matters", {})

    def test_matters_selected_alone_use_server_filter(self, firm: SandboxServer) -> None:
        """Without child streams, the API filters matters by LastUpdated."""
        selection = catalog(deselect=["fees"])
        first = run(config(firm), catalog=selection)
        matter = sandbox_rows(firm, "matters")[3]["row"]["id"]
        firm.control.touch("matters", matter, set={"description": "New"})
        firm.control.reset_requests()
        second = run(config(firm), first.state, selection)
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
    def test_opt_in_fields_are_requested_if_selected(
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

    def test_deselected_columns_are_not_emitted(self, firm: SandboxServer) -> None:
        deselected = ["matters.title", "matters.branch.href", "fees.staffId"]
        output = run(config(firm), catalog=catalog(deselect=deselected))
        for record in output.records("matters"):
            assert "title" not in record
            assert "title" not in (record["extraFields"] or {})
            assert set(record["branch"] or {"id": 1}) == {"id"}
        assert not any("staffId" in record for record in output.records("fees"))

    def test_full_table_method_rereads_all_rows(self, firm: SandboxServer) -> None:
        full: Json = {
            name: {"forced-replication-method": "FULL_TABLE"} for name in ("matters", "fees")
        }
        selection = catalog(metadata=full)
        for stream in selection["streams"]:
            stream.pop("replication_method")
        first = run(config(firm), catalog=selection)
        second = run(config(firm), first.state, selection)
        assert second.ids("fees") == first.ids("fees")
        assert len(second.records("matters")) == 12


@pytest.mark.parametrize("matters", [0, 1])
def test_empty_and_tiny_firms_are_read(start: StartFirm, matters: int) -> None:
    firm = start(matters=matters, fees=2, exact_fees=True)
    first = run(config(firm))
    assert first.status == 0
    assert (len(first.records("matters")), len(first.records("fees"))) == (matters, 2 * matters)
    assert len(first.messages_of_type("SCHEMA")) == 2
    firm.control.add("matters")
    second = run(config(firm), first.state)
    added = {e["row"]["id"] for e in sandbox_rows(firm, "matters")} - first.ids("matters").keys()
    assert len(added) == 1
    assert added <= second.ids("matters").keys()


def test_output_is_independent_of_worker_count(start: StartFirm) -> None:
    firm = start(matters=150)

    def lines(burst: int) -> list[str]:
        output = run(config(firm, burst=burst))
        for record in output.records("fees"):
            record["extractedTicks"] = 0  # the clock
        return [
            json.dumps(message["record"], default=str)
            for message in output.messages_of_type("RECORD")
        ]

    assert lines(1) == lines(5)


def test_child_rows_are_emitted_page_by_page(start: StartFirm) -> None:
    firm = start(matters=1, fees=50, exact_fees=True)
    firm.control.fail(how="status", status=400, template=FEES, count=1, after=2)
    output = run(config(firm, page_size=10))
    assert output.status == 1
    assert len(output.ids("fees")) == 19, "two pages, which share a row"


def test_worker_buffer_limit_loses_no_rows(start: StartFirm) -> None:
    """Workers wait for buffer space; a failure meanwhile fails one stream."""
    firm = start(matters=4, fees=2_200, exact_fees=True)
    complete = run(config(firm, burst=3))
    assert (complete.status, len(complete.ids("fees"))) == (0, 4 * 2_200)
    firm.control.fail(how="status", status=400, template=FEES, count=1, after=8)
    selection = catalog(wanted=["matters", "fees", "memos"])
    output = run(config(firm, burst=3), catalog=selection)
    assert output.status == 1
    assert len(output.ids("fees")) < 4 * 2_200
    assert len(output.ids("memos")) == len(sandbox_rows(firm, "memos"))


def test_run_restores_garbage_collector_settings(firm: SandboxServer) -> None:
    """Other programs may run the tap in their process, repeatedly."""
    before = gc.get_threshold(), gc.get_freeze_count()
    assert run(config(firm)).status == 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_bookmark_uses_server_clock(firm: SandboxServer) -> None:
    days = 40
    firm.control.settings(clock_offset_seconds=-days * 86_400)
    bookmark = run(config(firm)).bookmark("fees")["replication_key_value"]
    server_now = dotnet_ticks.now() - days * 86_400 * dotnet_ticks.PER_SECOND
    assert abs(bookmark - server_now) < 60 * dotnet_ticks.PER_SECOND
    assert bookmark <= server_now


def test_bookmark_ignores_timestamps_in_future(firm: SandboxServer) -> None:
    """A row with a timestamp in the future does not move the bookmark there."""
    matter = sandbox_rows(firm, "matters")[0]["row"]["id"]
    firm.control.touch(
        "matters", matter, updated=dotnet_ticks.now() + 3600 * dotnet_ticks.PER_SECOND
    )
    bookmark = run(config(firm)).bookmark("matters")["replication_key_value"]
    assert int(bookmark) <= dotnet_ticks.now()


def test_bookmark_falls_back_to_local_clock(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a Date header, the local clock counts, with one warning."""
    firm.control.settings(date_header=False)
    first = run(config(firm))
    assert (
        abs(first.bookmark("fees")["replication_key_value"] - dotnet_ticks.now())
        < 60 * dotnet_ticks.PER_SECOND
    )
    assert sum("sends no Date" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("garbage", ["yesterday", -5, None, {"a": 1}])
def test_invalid_bookmark_causes_full_read(firm: SandboxServer, garbage: object) -> None:
    good = run(config(firm))
    state = json.loads(json.dumps(good.state))
    state["bookmarks"]["fees"]["replication_key_value"] = garbage
    state["bookmarks"]["fees"]["resume"] = garbage
    assert run(config(firm), state).ids("fees") == good.ids("fees")


def test_stream_map_on_parents_keeps_children(firm: SandboxServer) -> None:
    maps = {"matters": {"__filter__": "isLead == 'never'"}}
    output = run(config(firm, stream_maps=maps))
    assert output.records("matters") == []
    assert len(output.records("fees")) == 36
