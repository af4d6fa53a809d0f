"""Every stream, held against every row that the sandbox has: once, exactly, and then changes."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from smokeball_sandbox import SandboxServer
from tap_smokeball import streams, ticks
from tap_smokeball.fields import walk
from tap_smokeball.reading import Latest
from tests.harness import Output, catalog, config, run, serves, truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartFirm
    from tests.harness import Json

STREAMS = {str(vars(stream)["name"]): stream for stream in streams.ALL}
INCREMENTAL = sorted(name for name, stream in STREAMS.items() if "replication_key" in vars(stream))
OPT_IN = [
    ".".join([name, *place[1::2]])
    for name, stream in STREAMS.items()
    for place, field in walk(stream.columns.fields)
    if not field.selected
]
HYPERMEDIA = {"self", "relation", "rel", "method"}
DETAILS = {"matter_types": {"items"}, "layout_designs": {"description", "fields"}}
"""What the API tells of a single record only, and the sandbox of all."""
OVERLAP = 300 * ticks.PER_SECOND


@dataclass
class Firm:
    """A firm that was read twice, with a change to each incremental stream in between."""

    served: list[str]
    rows: dict[str, list[Json]]
    first: Output
    changed: dict[str, tuple[Any, ...]]
    later: dict[str, list[Json]]
    second: Output
    requests: list[list[Json]]
    """The requests of both runs."""

    def check(self, *names: str) -> None:
        if not set(names) <= set(self.served):
            pytest.skip("the sandbox does not serve it yet")

    def queries(self, template: str, run: int = 0) -> list[dict[str, list[str]]]:
        """Return the parameters of each request for a path template."""
        found = [parse_qs(r["query"]) for r in self.requests[run] if r["template"] == template]
        assert found
        return found


@pytest.fixture(scope="module")
def firm() -> Iterator[Firm]:
    with SandboxServer(matters=25) as sandbox:
        served = [name for name in STREAMS if serves(sandbox, name)]
        chosen = catalog(wanted=served, select=OPT_IN)
        rows = {name: truth(sandbox, name) for name in served}
        first = run(config(sandbox), catalog=chosen)
        asked = [sandbox.control.requests(log=True)["log"]]
        changed = {}
        for name in INCREMENTAL:
            if name in served:
                parent = rows[name][-1]["parent"]
                changed[name] = key_of(name, sandbox.control.touch(name, parent=parent, nth=0))
        later = {name: truth(sandbox, name) for name in served}
        sandbox.control.reset_requests()
        second = run(config(sandbox), first.state, chosen)
        asked.append(sandbox.control.requests(log=True)["log"])
        yield Firm(served, rows, first, changed, later, second, asked)


def primary_keys(stream: str) -> tuple[str, ...]:
    names: tuple[str, ...] = vars(STREAMS[stream])["primary_keys"]
    return names


def key_of(stream: str, entry: Json) -> tuple[Any, ...]:
    """Return the primary key that a row of the sandbox must arrive with."""
    declared = STREAMS[stream]
    row = entry["row"]

    def part(name: str) -> Any:
        if name == declared.parent_key:
            return entry["parent"]
        return row[name] if name in row else row["matter"]["id"]

    return tuple(part(name) for name in primary_keys(stream))


def keys(output: Output, stream: str) -> Counter[tuple[Any, ...]]:
    names = primary_keys(stream)
    return Counter(tuple(r[name] for name in names) for r in output.records(stream))


def schema(output: Output, stream: str) -> Json:
    found: Json = next(m["schema"] for m in output.of("SCHEMA") if m["stream"] == stream)
    return found


def test_no_stream_fails(firm: Firm) -> None:
    assert (firm.first.status, firm.second.status) == (0, 0)


@pytest.mark.parametrize("stream", STREAMS)
class TestEvery:
    def test_row_arrives_once(self, firm: Firm, stream: str) -> None:
        firm.check(stream)
        expected = [key_of(stream, entry) for entry in firm.rows[stream]]
        assert len(set(expected)) == len(expected)
        assert keys(firm.first, stream) == Counter(expected)
        assert expected
        assert not any(None in key for key in expected)

    def test_value_arrives_as_it_was(self, firm: Firm, stream: str) -> None:
        firm.check(stream)
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
        firm.check(stream)
        properties = schema(firm.first, stream)["properties"]
        for record in firm.first.records(stream):
            for name, value in record.items():
                assert_fits(value, properties[name], f"{stream}.{name}")

    def test_row_of_a_second_run_is_wanted(self, firm: Firm, stream: str) -> None:
        firm.check(stream)
        came = keys(firm.second, stream)
        assert set(came.values()) <= {1}
        everything = {key_of(stream, entry): entry for entry in firm.later[stream]}
        if stream in INCREMENTAL:
            assert firm.changed[stream] in came
            bookmark = firm.first.bookmark(stream)["replication_key_value"]
            since = (ticks.of_stamp(bookmark) or 0) - OVERLAP - ticks.PER_SECOND
            in_full = {key[0] for key in firm.changed.values()}  # children of changed parents
            late = {key for key in came if everything[key]["updated"] >= since}
            assert {everything[key]["parent"] for key in came.keys() - late} <= in_full
        else:
            assert came.keys() == everything.keys()


class TestRequests:
    def test_past_events_are_asked_for(self, firm: Firm) -> None:
        firm.check("events")
        for number in (0, 1):
            for query in firm.queries("GET /events", number):
                assert query["From"] == ["1990-01-01T00:00:00"]
        since = firm.queries("GET /events", 1)[0]["UpdatedSince"][0]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", since)

    @pytest.mark.parametrize(
        ("stream", "template", "parameter", "form"),
        [
            ("matter_stages", "GET /stages", "UpdatedSince", r"\d{18}"),
            ("stage_sets", "GET /stagesets", "UpdatedSince", r"\d{18}"),
            ("activity_codes", "GET /activitycodes", "UpdatedSince", r"\d{18}"),
            ("expenses", "GET /matters/{matterId}/expenses", "UpdatedSince", r"\d{18}"),
            ("invoices", "GET /matters/{matterId}/invoices", "UpdatedSince", r"\d{18}"),
            (
                "transactions",
                "GET /bankaccounts/{bankAccountId}/transactions",
                "LastUpdated",
                r"[-\d]{10}T[:\d]{8}Z",
            ),
        ],
    )
    def test_filters_are_in_their_own_dialect(
        self, firm: Firm, stream: str, template: str, parameter: str, form: str
    ) -> None:
        firm.check(stream)
        queries = firm.queries(template, 1)
        sent = [query[parameter][0] for query in queries if parameter in query]
        assert sent
        assert all(re.fullmatch(form, value) for value in sent)
        assert not any(parameter in query for query in firm.queries(template))

    @pytest.mark.parametrize(
        ("stream", "template"),
        [
            ("firm", "GET /firm"),
            ("firm_users", "GET /firmusers"),
            ("groups", "GET /groups"),
            ("referral_types", "GET /referraltypes"),
            ("bank_accounts", "GET /bankaccounts"),
            ("matter_roles", "GET /matters/{matterId}/roles"),
            ("subtasks", "GET /tasks/{taskId}/subtasks"),
            ("contact_relations", "GET /contacts/{contactId}/relations"),
        ],
    )
    def test_lists_at_once_are_not_asked_for_in_pages(
        self, firm: Firm, stream: str, template: str
    ) -> None:
        firm.check(stream)
        assert all(query == {} for query in firm.queries(template))

    def test_sensitive_blocks_are_asked_for_by_name(self, firm: Firm) -> None:
        firm.check("contacts", "staff")
        blocks = "passportDetails,deathDetails,citizenshipDetails,utbmsDetails,tags"
        signing = "executionOptions,voiDetails"
        assert firm.queries("GET /contacts")[0]["Fields"] == [f"{blocks},{signing}"]
        assert firm.queries("GET /staff")[0]["Fields"] == ["rate"]

    def test_subtasks_are_asked_for_only_where_there_are_some(self, firm: Firm) -> None:
        firm.check("tasks", "subtasks")
        whole = [entry for entry in firm.rows["tasks"] if entry["row"].get("subTasks")]
        assert len(whole) < len(firm.rows["tasks"])
        assert len(firm.queries("GET /tasks/{taskId}/subtasks")) == len(whole)

    def test_each_folder_is_looked_into_once(self, firm: Firm) -> None:
        firm.check("folders")
        template = "GET /matters/{matterId}/documents/folders/{folderId}"
        assert len(firm.queries(template)) == len(firm.rows["folders"])


def test_the_state_does_not_grow_with_the_firm(firm: Firm) -> None:
    assert len(json.dumps(firm.first.state)) < 8192


def test_streams_with_children_come_last(firm: Firm) -> None:
    order = [m["stream"] for m in firm.first.of("SCHEMA")]
    firm.check(*STREAMS)
    parents = {vars(stream).get("parent_stream_type") for stream in STREAMS.values()}
    first = min(order.index(str(vars(parent)["name"])) for parent in parents if parent)
    alone = {n for n, s in STREAMS.items() if s not in parents and not s.parent_key}
    assert set(order[:first]) == alone


def test_who_waited_longest_comes_first(start: StartFirm) -> None:
    """Or streams that are read in full would keep others from their turn when time is short."""
    sandbox = start(matters=5)
    wanted = ["matters", "fees", "memos", "tasks", "task_documents"]
    if not serves(sandbox, *wanted):
        pytest.skip("the sandbox does not serve it yet")

    def order(output: Output) -> list[str]:
        return [message["stream"] for message in output.of("SCHEMA")]

    chosen = catalog(wanted=wanted)
    first = run(config(sandbox), catalog=chosen)
    assert order(first) == ["matters", "fees", "memos", "tasks", "task_documents"]
    state = first.state
    state["bookmarks"]["memos"]["complete"] -= 1
    assert order(run(config(sandbox), state, chosen)) == [
        "matters",
        "memos",
        "fees",
        "tasks",
        "task_documents",
    ]
    state["bookmarks"]["task_documents"]["complete"] -= 10 * ticks.PER_SECOND
    assert order(run(config(sandbox), state, chosen))[:2] == ["tasks", "task_documents"]


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
    if not serves(sandbox, "events"):
        pytest.skip("the sandbox does not serve it yet")
    event = truth(sandbox, "events")[0]["row"]["id"]
    sandbox.control.touch("events", event, set=change)
    output = run(config(sandbox), catalog=catalog(wanted=["events"]))
    record = next(r for r in output.records("events") if r["id"] == event)
    assert {name: record[name] for name in arrives} == arrives
    assert ticks.of_stamp(output.bookmark("events")["replication_key_value"])


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
    latest = Latest("lastUpdated")
    rows: list[Json] = [{}, {"lastUpdated": None}, {"lastUpdated": 7}, {"lastUpdated": "soon"}]
    assert [latest.see(row) for row in rows] == [None, None, 7, None]
    assert (latest.bookmark(9), latest.bookmark(5)) == (7, 5)
    assert Latest("lastUpdated").bookmark(9) is None
    assert Latest(None).bookmark(9) == 9


def test_a_matter_without_an_archive_is_not_taken_for_gone(
    start: StartFirm, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = start(matters=20)
    if not serves(sandbox, "archives"):
        pytest.skip("the sandbox does not serve it yet")
    output = run(config(sandbox), catalog=catalog(wanted=["archives"]))
    assert 0 < len(output.records("archives")) < 20
    assert "are gone" not in caplog.text


def test_by_default_nothing_sensitive_is_asked_for(start: StartFirm) -> None:
    sandbox = start(matters=5)
    if not serves(sandbox, "contacts"):
        pytest.skip("the sandbox does not serve it yet")
    output = run(config(sandbox), catalog=catalog(wanted=["contacts"]))
    query = sandbox.control.requests(log=True)["log"][-1]["query"]
    assert parse_qs(query)["Fields"] == ["tags"]
    person = schema(output, "contacts")["properties"]["person"]["properties"]
    assert "birthDate" in person
    assert not person.keys() & {"passportDetails", "deathDetails", "voiDetails"}
    people = [r["person"] for r in output.records("contacts") if r["person"]]
    assert people
    assert not any("passportDetails" in one for one in people)


def test_matter_types_of_one_location(start: StartFirm) -> None:
    sandbox = start(matters=2)
    if not serves(sandbox, "matter_types"):
        pytest.skip("the sandbox does not serve it yet")
    location = truth(sandbox, "matter_types")[0]["row"]["location"]
    only = catalog(wanted=["matter_types"])
    output = run(config(sandbox, matter_type_location=location), catalog=only)
    assert {r["location"] for r in output.records("matter_types")} == {location}


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
        stamp = ticks.of_stamp(theirs)
        assert stamp is not None, name
        assert ticks.from_rfc3339(mine) == stamp // 10 * 10, name
        assert mine.endswith("Z"), name
        assert len(mine) <= len("2022-04-05T08:02:05.202740Z"), name
    elif schema.get("format") == "date":
        assert mine == theirs[:10], name
    elif schema.get("type") == ["string", "null"] and isinstance(theirs, int):
        assert mine == str(theirs), name
    else:
        assert (type(mine), mine, str(mine)) == (type(theirs), theirs, str(theirs)), name


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
