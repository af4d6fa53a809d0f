"""Each stream delivers all rows once and exactly, and then the changes."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball import dotnet_ticks
from tap_smokeball.records.converters import Extras, ValueCounts
from tap_smokeball.sync.newest_timestamp import NewestTimestamp
from tests.harness import Output, catalog, config, run, sandbox_rows
from tests.recorded_firm import (
    INCREMENTAL,
    STREAMS,
    RecordedFirm,
    key_counts,
    primary_key_of,
    primary_keys,
    record_two_runs,
    schema_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartFirm
    from tests.harness import Json

HYPERMEDIA = {"self", "relation", "rel", "method"}
DETAIL_FIELDS = {"matter_types": {"items"}, "layout_designs": {"description", "fields"}}
"""Fields that the API sends for a single record only, and the sandbox for all."""
OVERLAP_TICKS = 300 * dotnet_ticks.PER_SECOND


@pytest.fixture(scope="module")
def firm() -> Iterator[RecordedFirm]:
    with record_two_runs() as firm:
        yield firm


def test_streams_all_succeed(firm: RecordedFirm) -> None:
    assert (firm.first.status, firm.second.status) == (0, 0)


@pytest.mark.parametrize("stream", STREAMS)
class TestEachStream:
    def test_stream_delivers_each_row_once(self, firm: RecordedFirm, stream: str) -> None:
        expected = [primary_key_of(stream, entry) for entry in firm.rows[stream]]
        assert len(set(expected)) == len(expected)
        assert key_counts(firm.first, stream) == Counter(expected)
        assert expected
        assert not any(None in key for key in expected)

    def test_stream_keeps_values_of_api(self, firm: RecordedFirm, stream: str) -> None:
        """Columns and extraFields hold the values that the API sent."""
        names = primary_keys(stream)
        records = {tuple(r[name] for name in names): r for r in firm.first.records(stream)}
        properties = schema_of(firm.first, stream)["properties"]
        for entry in firm.rows[stream]:
            row, record = entry["row"], records[primary_key_of(stream, entry)]
            assert set(record) == set(properties)
            assert_same(
                record, {**row, **added_values(stream, record)}, {"properties": properties}, stream
            )
            extras = {name: value for name, value in row.items() if name not in properties}
            kept = record["extraFields"] or {}
            for name in extras.keys() - HYPERMEDIA - DETAIL_FIELDS.get(stream, set()):
                assert kept[name] == extras[name]

    def test_stream_values_match_schema_types(self, firm: RecordedFirm, stream: str) -> None:
        properties = schema_of(firm.first, stream)["properties"]
        for record in firm.first.records(stream):
            for name, value in record.items():
                assert_fits(value, properties[name], f"{stream}.{name}")

    def test_stream_second_run_brings_changes_only(self, firm: RecordedFirm, stream: str) -> None:
        """A second run brings changed rows, the overlap and full-table streams."""
        received = key_counts(firm.second, stream)
        assert set(received.values()) <= {1}
        all_rows = {primary_key_of(stream, entry): entry for entry in firm.rows_after[stream]}
        if stream in INCREMENTAL:
            assert firm.changed_keys[stream] in received
            bookmark = firm.first.bookmark(stream)["replication_key_value"]
            since = (
                (dotnet_ticks.from_timestamp(bookmark) or 0)
                - OVERLAP_TICKS
                - dotnet_ticks.PER_SECOND
            )
            changed_parents = {
                key[0] for key in firm.changed_keys.values()
            }  # children of changed parents
            recent = {key for key in received if all_rows[key]["updated"] >= since}
            assert {all_rows[key]["parent"] for key in received.keys() - recent} <= changed_parents
        else:
            assert received.keys() == all_rows.keys()


def test_state_size_is_independent_of_firm_size(firm: RecordedFirm) -> None:
    assert len(json.dumps(firm.first.state)) < 8192


def test_child_streams_follow_top_level_streams(firm: RecordedFirm) -> None:
    order = [m["stream"] for m in firm.first.messages_of_type("SCHEMA")]
    children = {name for name, stream in STREAMS.items() if stream.parent_key}
    assert set(order[-len(children) :]) == children


def test_child_streams_start_with_the_stalest(start: StartFirm) -> None:
    """Otherwise full-table streams would starve others under a time limit."""
    sandbox = start(matters=5)
    wanted = ["matters", "fees", "memos", "tasks", "task_documents"]

    def order(output: Output) -> list[str]:
        return [message["stream"] for message in output.messages_of_type("SCHEMA")]

    selection = catalog(wanted=wanted)
    first = run(config(sandbox), catalog=selection)
    assert order(first) == ["matters", "tasks", "fees", "memos", "task_documents"]
    state = first.state
    # The server's clock has whole seconds: all streams may have the same start.
    state["bookmarks"]["memos"]["last_full_pass"] -= 20 * dotnet_ticks.PER_SECOND
    state["bookmarks"]["fees"]["replication_key_value"] -= 10 * dotnet_ticks.PER_SECOND
    assert order(run(config(sandbox), state, selection))[2:] == ["memos", "fees", "task_documents"]
    state["bookmarks"]["task_documents"]["last_full_pass"] -= 40 * dotnet_ticks.PER_SECOND
    assert order(run(config(sandbox), state, selection))[2] == "task_documents"


@pytest.mark.parametrize(
    ("change", "arrives"),
    [
        ({"eventType": 0}, {"eventType": "0"}),
        ({"eventType": "Normal"}, {"eventType": "Normal"}),
        ({"startTime": "2026-01-02T03:04:05"}, {"startTime": "2026-01-02T03:04:05"}),
        (
            {"additionalData": {"uploadUrl": "https://signed", "a": [{"downloadUrl": "x"}]}},
            {"additionalData": {"a": [{}]}},
        ),
    ],
)
def test_events_accept_all_documented_values(start: StartFirm, change: Json, arrives: Json) -> None:
    sandbox = start(matters=5)
    event = sandbox_rows(sandbox, "events")[0]["row"]["id"]
    sandbox.control.touch("events", event, set=change)
    output = run(config(sandbox), catalog=catalog(wanted=["events"]))
    record = next(r for r in output.records("events") if r["id"] == event)
    assert {name: record[name] for name in arrives} == arrives
    assert dotnet_ticks.from_timestamp(output.bookmark("events")["replication_key_value"])


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.1234567", "2026-01-02T03:04:05.123456Z"),
        ("2026-01-02T13:04:05+10:00", "2026-01-02T03:04:05.000000Z"),
        ("0001-01-01T00:00:00", None),
    ],
)
def test_event_timestamp_without_zone_is_utc(sent: str, expected: str | None) -> None:
    """The updated-since filter is UTC, too; no other local time has a time zone."""
    convert = next(f for f in STREAMS["events"].columns if f.name == "lastUpdated").converter
    assert convert is not None
    extras = Extras(ValueCounts(Counter(), Counter()))
    assert convert(sent, extras, "lastUpdated") == expected


def test_bookmark_ignores_rows_without_timestamp() -> None:
    """Rows without a valid timestamp do not affect the newest one."""
    newest = NewestTimestamp("lastUpdated")
    rows: list[Json] = [{}, {"lastUpdated": None}, {"lastUpdated": 7}, {"lastUpdated": "soon"}]
    assert [newest.add(row) for row in rows] == [None, None, 7, None]
    assert (newest.bookmark(9), newest.bookmark(5)) == (7, 5)
    assert NewestTimestamp("lastUpdated").bookmark(9) is None
    assert NewestTimestamp(None).bookmark(9) == 9


def added_values(stream: str, record: Json) -> Json:
    """Return the values of a record that the tap adds, for a comparison as they are."""
    declared = STREAMS[stream]
    names = {"extractedTicks", "extraFields", declared.parent_key}
    names |= {field.name for field in declared.columns if field.source}
    if stream == "matter_roles":
        names |= {"versionId"}  # of the object that contains the roles
    return {name: record[name] for name in names if name in record}


def assert_same(actual: Any, expected: Any, schema: Json, name: str) -> None:
    """Compare a value with the API's, by an independent implementation of the rules."""
    if expected is None or (
        isinstance(expected, str) and expected.startswith("0001-01-01T00:00:00")
    ):
        assert actual is None, name
    elif isinstance(expected, dict) and schema.get("properties"):
        for key, inner in schema["properties"].items():
            is_added = key == "lastUpdatedAt" or is_enum_name(key, schema["properties"])
            if is_added and key not in expected:
                continue
            assert_same(actual[key], expected.get(key), inner, f"{name}.{key}")
    elif isinstance(expected, list) and "items" in schema:
        assert len(actual) == len(expected), name
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other, schema["items"], name)
    elif schema.get("format") == "date-time":
        ticks = dotnet_ticks.from_timestamp(expected)
        assert ticks is not None, name
        assert dotnet_ticks.from_rfc3339(actual) == ticks // 10 * 10, name
        assert actual.endswith("Z"), name
        assert len(actual) <= len("2022-04-05T08:02:05.202740Z"), name
    elif schema.get("format") == "date":
        assert actual == expected[:10], name
    else:
        actual, expected = comparable(actual, expected, schema)
        assert (type(actual), actual, str(actual)) == (type(expected), expected, str(expected)), (
            name
        )


def comparable(actual: Any, expected: Any, schema: Json) -> tuple[Any, Any]:
    """Return both values in comparable form: JSON decoded, and codes as text."""
    if schema.get("description", "").endswith("; JSON"):
        return json.loads(actual), expected
    if schema.get("type") == ["string", "null"] and isinstance(expected, int):
        return actual, str(expected)
    return actual, expected


def is_enum_name(name: str, properties: Json) -> bool:
    """Whether a column holds the name of an enumeration's number."""
    return name.endswith("Name") and "integer" in properties.get(name[:-4], {}).get("type", ())


def assert_fits(value: Any, schema: Json, name: str) -> None:
    """Compare a value with its schema; jsonschema would reject the decimals."""
    if value is None:
        assert "null" in schema["type"], name
        return
    type_names = {
        str: "string",
        bool: "boolean",
        int: "integer",
        dict: "object",
        list: "array",
    }
    type_name = type_names.get(type(value), "number")
    assert type_name in schema["type"] or (type_name == "integer" and "number" in schema["type"]), (
        name
    )
    if isinstance(value, dict) and schema.get("properties"):
        assert value.keys() <= schema["properties"].keys(), name
        for key, inner in value.items():
            assert_fits(inner, schema["properties"][key], f"{name}.{key}")
    if isinstance(value, list) and "items" in schema:
        for item in value:
            if item is not None:
                assert_fits(item, schema["items"], name)
