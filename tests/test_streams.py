"""Every stream, held against every row that the sandbox has: once, exactly, and then changes."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball import dotnet_ticks
from tap_smokeball.sync.list_reader import NewestTimestamp
from tests.harness import Output, catalog, config, run, truth
from tests.recorded_firm import (
    INCREMENTAL,
    STREAMS,
    Firm,
    key_of,
    keys,
    primary_keys,
    read_twice,
    schema,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartFirm
    from tests.harness import Json

HYPERMEDIA = {"self", "relation", "rel", "method"}
DETAILS = {"matter_types": {"items"}, "layout_designs": {"description", "fields"}}
"""What the API tells of a single record only, and the sandbox of all."""
OVERLAP = 300 * dotnet_ticks.PER_SECOND


@pytest.fixture(scope="module")
def firm() -> Iterator[Firm]:
    with read_twice() as firm:
        yield firm


def test_no_stream_fails(firm: Firm) -> None:
    assert (firm.first.status, firm.second.status) == (0, 0)


@pytest.mark.parametrize("stream", STREAMS)
class TestEvery:
    def test_row_arrives_once(self, firm: Firm, stream: str) -> None:
        expected = [key_of(stream, entry) for entry in firm.rows[stream]]
        assert len(set(expected)) == len(expected)
        assert keys(firm.first, stream) == Counter(expected)
        assert expected
        assert not any(None in key for key in expected)

    def test_value_arrives_as_it_was(self, firm: Firm, stream: str) -> None:
        names = primary_keys(stream)
        records = {tuple(r[name] for name in names): r for r in firm.first.records(stream)}
        properties = schema(firm.first, stream)["properties"]
        for entry in firm.rows[stream]:
            row, record = entry["row"], records[key_of(stream, entry)]
            assert set(record) == set(properties)
            assert_same(record, {**row, **own(stream, record)}, {"properties": properties}, stream)
            extras = {name: value for name, value in row.items() if name not in properties}
            kept = record["extraFields"] or {}
            for name in extras.keys() - HYPERMEDIA - DETAILS.get(stream, set()):
                assert kept[name] == extras[name]

    def test_column_has_the_type_that_its_schema_says(self, firm: Firm, stream: str) -> None:
        properties = schema(firm.first, stream)["properties"]
        for record in firm.first.records(stream):
            for name, value in record.items():
                assert_fits(value, properties[name], f"{stream}.{name}")

    def test_row_of_a_second_run_is_wanted(self, firm: Firm, stream: str) -> None:
        came = keys(firm.second, stream)
        assert set(came.values()) <= {1}
        everything = {key_of(stream, entry): entry for entry in firm.later[stream]}
        if stream in INCREMENTAL:
            assert firm.changed[stream] in came
            bookmark = firm.first.bookmark(stream)["replication_key_value"]
            since = (dotnet_ticks.of_stamp(bookmark) or 0) - OVERLAP - dotnet_ticks.PER_SECOND
            in_full = {key[0] for key in firm.changed.values()}  # children of changed parents
            late = {key for key in came if everything[key]["updated"] >= since}
            assert {everything[key]["parent"] for key in came.keys() - late} <= in_full
        else:
            assert came.keys() == everything.keys()


def test_the_state_does_not_grow_with_the_firm(firm: Firm) -> None:
    assert len(json.dumps(firm.first.state)) < 8192


def test_children_come_after_all_lists(firm: Firm) -> None:
    order = [m["stream"] for m in firm.first.of("SCHEMA")]
    children = {name for name, stream in STREAMS.items() if stream.parent_key}
    assert set(order[-len(children) :]) == children


def test_who_waited_longest_comes_first(start: StartFirm) -> None:
    """Or streams that are read in full would keep others from their turn when time is short."""
    sandbox = start(matters=5)
    wanted = ["matters", "fees", "memos", "tasks", "task_documents"]

    def order(output: Output) -> list[str]:
        return [message["stream"] for message in output.of("SCHEMA")]

    chosen = catalog(wanted=wanted)
    first = run(config(sandbox), catalog=chosen)
    assert order(first) == ["matters", "tasks", "fees", "memos", "task_documents"]
    state = first.state
    # The server's clock counts seconds, so all of a short run may have begun at the same one.
    state["bookmarks"]["memos"]["complete"] -= 1
    state["bookmarks"]["task_documents"]["complete"] += 10 * dotnet_ticks.PER_SECOND
    assert order(run(config(sandbox), state, chosen))[2:] == ["memos", "fees", "task_documents"]
    state["bookmarks"]["task_documents"]["complete"] -= 20 * dotnet_ticks.PER_SECOND
    assert order(run(config(sandbox), state, chosen))[2] == "task_documents"


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
def test_events_of_every_kind_arrive(start: StartFirm, change: Json, arrives: Json) -> None:
    sandbox = start(matters=5)
    event = truth(sandbox, "events")[0]["row"]["id"]
    sandbox.control.touch("events", event, set=change)
    output = run(config(sandbox), catalog=catalog(wanted=["events"]))
    record = next(r for r in output.records("events") if r["id"] == event)
    assert {name: record[name] for name in arrives} == arrives
    assert dotnet_ticks.of_stamp(output.bookmark("events")["replication_key_value"])


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.1234567", "2026-01-02T03:04:05.123456Z"),
        ("2026-01-02T13:04:05+10:00", "2026-01-02T03:04:05.000000Z"),
        ("0001-01-01T00:00:00", None),
    ],
)
def test_a_stamp_without_a_zone_is_utc(sent: str, expected: str | None) -> None:
    """As in the filter that it is held against; other local times are left alone."""
    convert = next(f for f in STREAMS["events"].columns.fields if f.name == "lastUpdated").convert
    assert convert is not None
    assert convert(sent, {}, "lastUpdated") == expected


def test_rows_without_a_stamp_do_not_hide_the_stamps_of_others() -> None:
    latest = NewestTimestamp("lastUpdated")
    rows: list[Json] = [{}, {"lastUpdated": None}, {"lastUpdated": 7}, {"lastUpdated": "soon"}]
    assert [latest.see(row) for row in rows] == [None, None, 7, None]
    assert (latest.bookmark(9), latest.bookmark(5)) == (7, 5)
    assert NewestTimestamp("lastUpdated").bookmark(9) is None
    assert NewestTimestamp(None).bookmark(9) == 9


def own(stream: str, record: Json) -> Json:
    """Return what a record holds besides what the API sent, to be taken as it is."""
    declared = STREAMS[stream]
    names = {"extractedTicks", "extraFields", declared.parent_key}
    names |= {field.name for field in declared.columns.fields if field.source}
    if stream == "matter_roles":
        names |= {"versionId"}  # of the roles as a whole, from around them
    return {name: record[name] for name in names if name in record}


def assert_same(mine: Any, theirs: Any, schema: Json, name: str) -> None:
    """Hold a value against the API's by an own, slow reading of the rules."""
    if theirs is None or (isinstance(theirs, str) and theirs.startswith("0001-01-01T00:00:00")):
        assert mine is None, name
    elif isinstance(theirs, dict) and schema.get("properties"):
        for key, inner in schema["properties"].items():
            made = key == "lastUpdatedAt" or is_name(key, schema["properties"])
            if made and key not in theirs:
                continue
            assert_same(mine[key], theirs.get(key), inner, f"{name}.{key}")
    elif isinstance(theirs, list) and "items" in schema:
        assert len(mine) == len(theirs), name
        for one, other in zip(mine, theirs, strict=True):
            assert_same(one, other, schema["items"], name)
    elif schema.get("format") == "date-time":
        stamp = dotnet_ticks.of_stamp(theirs)
        assert stamp is not None, name
        assert dotnet_ticks.from_rfc3339(mine) == stamp // 10 * 10, name
        assert mine.endswith("Z"), name
        assert len(mine) <= len("2022-04-05T08:02:05.202740Z"), name
    elif schema.get("format") == "date":
        assert mine == theirs[:10], name
    else:
        mine, theirs = comparable(mine, theirs, schema)
        assert (type(mine), mine, str(mine)) == (type(theirs), theirs, str(theirs)), name


def comparable(mine: Any, theirs: Any, schema: Json) -> tuple[Any, Any]:
    """Return both values as they must be the same: JSON decoded, and a code as a text."""
    if schema.get("description", "").endswith("; JSON"):
        return json.loads(mine), theirs
    if schema.get("type") == ["string", "null"] and isinstance(theirs, int):
        return mine, str(theirs)
    return mine, theirs


def is_name(name: str, properties: Json) -> bool:
    """Whether a column names the number in the one beside it."""
    return name.endswith("Name") and "integer" in properties.get(name[:-4], {}).get("type", ())


def assert_fits(value: Any, schema: Json, name: str) -> None:
    """Hold a value against its schema; numbers are decimals here, which validators refuse."""
    if value is None:
        assert "null" in schema["type"], name
        return
    kinds = {
        str: "string",
        bool: "boolean",
        int: "integer",
        dict: "object",
        list: "array",
    }
    kind = kinds.get(type(value), "number")
    assert kind in schema["type"] or (kind == "integer" and "number" in schema["type"]), name
    if isinstance(value, dict) and schema.get("properties"):
        assert value.keys() <= schema["properties"].keys(), name
        for key, inner in value.items():
            assert_fits(inner, schema["properties"][key], f"{name}.{key}")
    if isinstance(value, list) and "items" in schema:
        for item in value:
            if item is not None:
                assert_fits(item, schema["items"], name)
