"""What the selection leaves out does not come back through extraFields."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk.singerlib.catalog import MetadataMapping, StreamMetadata

from tap_smokeball.records.columns import walk_columns
from tap_smokeball.records.converters import ValueCounts
from tap_smokeball.records.record_builder import RecordBuilder
from tap_smokeball.tap import TapSmokeball
from tests.harness import catalog, config, run, sandbox_rows
from tests.memory_firm import MemoryFirm
from tests.recorded_firm import OPT_IN, STREAMS
from tests.test_streams import is_enum_name
from tests.test_summary import last_summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.singerlib import SelectionMask

    from tap_smokeball.sync.base_stream import SmokeballStream
    from tests.harness import Json, Output

pytestmark = pytest.mark.slow

ALL_OF_PERSON = [
    ".".join(["contacts", *crumb[1::2]])
    for crumb, _ in walk_columns(STREAMS["contacts"].columns)
    if crumb[1] == "person" and len(crumb) > 2
]


@pytest.fixture(scope="module")
def memory_firm() -> MemoryFirm:
    """A firm with a person, and an organisation, that have fields of a later version."""
    firm = MemoryFirm(matters=3)
    for entry in sandbox_rows(firm, "contacts"):
        row = entry["row"]
        if "person" in row:
            row["person"] |= {"newId": "CANARY-1", "fax": ["CANARY-2"], "phone": "CANARY-3"}
            row["person"]["residentialAddress"] = {"geo": "CANARY-4"}
            change = {"person": row["person"], "newNumber": "CANARY-5"}
            firm.control.touch("contacts", row["id"], set=change)
    return firm


Crumb = tuple[str, ...]


def read_contacts(firm: MemoryFirm, **options: Any) -> Output:
    return run(
        config(firm, **options.pop("settings", {})), catalog=catalog(wanted=["contacts"], **options)
    )


def canaries(output: Output) -> set[str]:
    return set(re.findall(r"CANARY-\d", json.dumps(output.records("contacts"), default=str)))


class TestUnknownFields:
    def test_default_drops_fields_beside_identity(
        self, memory_firm: MemoryFirm, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Values of selected columns stay; one warning and the summary name the other fields."""
        caplog.set_level(logging.INFO)
        output = read_contacts(memory_firm)
        assert canaries(output) == {"CANARY-2", "CANARY-3"}
        warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
        names = "newNumber, person.newId, person.residentialAddress.geo"
        assert [text for text in warnings if "newNumber" in text] == [
            "contacts: the API sends fields that this version does not know; they are left out, as "
            "columns beside them are deselected. To emit them, set unknown_fields to keep: " + names
        ]
        people = len([r for r in output.records("contacts") if r["person"]])
        counts = last_summary(caplog)["streams"]["contacts"]["dropped_fields"]
        assert counts == dict.fromkeys(names.split(", "), people)
        assert f"contacts: {3 * people:,} values of unknown fields left out: {names}" in caplog.text
        assert "CANARY" not in caplog.text

    def test_nothing_comes_from_below_deselected(self, memory_firm: MemoryFirm) -> None:
        output = read_contacts(memory_firm, deselect=ALL_OF_PERSON)
        assert canaries(output) == set()

    def test_full_selection_keeps_all_fields(self, memory_firm: MemoryFirm) -> None:
        output = read_contacts(memory_firm, select=OPT_IN)
        assert canaries(output) == {f"CANARY-{number}" for number in range(1, 6)}

    def test_keep_does_not_depend_on_neighbours(self, memory_firm: MemoryFirm) -> None:
        """It takes nothing from a deselected property all the same."""
        keep = {"unknown_fields": "keep"}
        assert len(canaries(read_contacts(memory_firm, settings=keep))) == 5
        deselect = ["contacts.person.residentialAddress", "contacts.person.phone"]
        output = read_contacts(memory_firm, settings=keep, deselect=deselect)
        assert canaries(output) == {"CANARY-1", "CANARY-2", "CANARY-5"}

    def test_drop_leaves_extra_fields_empty(
        self, memory_firm: MemoryFirm, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        drop = {"unknown_fields": "drop"}
        output = read_contacts(memory_firm, settings=drop, select=OPT_IN)
        assert canaries(output) == set()
        assert {r["extraFields"] for r in output.records("contacts")} == {None}
        counts = last_summary(caplog)["streams"]["contacts"]
        assert counts["dropped_fields"].keys() >= {"newNumber", "person.newId"}
        assert "person.fax" in counts["rejected_values"]

    def test_partly_deselected_column_is_not_kept(self, memory_firm: MemoryFirm) -> None:
        """A value of an unexpected type may hold what is deselected in its column."""
        output = read_contacts(
            memory_firm,
            settings={"unknown_fields": "keep"},
            deselect=["contacts.person.phone.number"],
        )
        assert "CANARY-3" not in canaries(output)

    def test_costly_column_does_not_count(self, memory_firm: MemoryFirm) -> None:
        """Matters keep new fields, although `items` is off by default."""
        [entry, *_] = sandbox_rows(memory_firm, "matters")
        memory_firm.control.touch("matters", entry["row"]["id"], set={"brandNew": 1})
        output = run(config(memory_firm), catalog=catalog(wanted=["matters"]))
        kept = [r["extraFields"] for r in output.records("matters") if r["extraFields"]]
        assert {"brandNew": 1} in kept


def test_renamed_property_stays_deselected() -> None:
    firm = MemoryFirm(matters=1)
    row = next(e["row"] for e in sandbox_rows(firm, "contacts") if "person" in e["row"])
    for change in ({"identityNumber": "CANARY-1"}, {"person": {"identityNumber": "CANARY-2"}}):
        firm.control.touch("contacts", row["id"], set=change)
    assert canaries(read_contacts(firm)) == set()


def test_unknown_property_of_every_object() -> None:
    """Each stream keeps new fields at any depth, except where columns are deselected."""
    firm = MemoryFirm(matters=2)
    firm.control.settings(unknown_property="novelty")
    output = run(config(firm), catalog=catalog(wanted=STREAMS, deselect=["fees.description"]))
    assert output.status == 0
    kept = {
        stream: {path for r in output.records(stream) for path in r["extraFields"] or ()}
        for stream in STREAMS
    }
    read = {stream for stream in STREAMS if output.records(stream)}
    assert len(read) >= 30
    assert {name for name in read if "novelty" not in kept[name]} == {"contacts", "fees"}
    assert "matter.novelty" in kept["fees"]
    assert not any(path.startswith(("person", "company")) for path in kept["contacts"])


@pytest.mark.parametrize("form", [("items",), ()], ids=["Singer", "Meltano"])
def test_part_of_list_can_be_deselected(form: Crumb) -> None:
    """Neither schema nor records have it, and its neighbours do not come back either."""
    firm = MemoryFirm(matters=3)
    firm.control.settings(unknown_property="novelty")
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"sourceItems": [{"id": "a", "description": "CANARY"}]})
    selection = catalog(wanted=["fees"])
    [entry] = [each for each in selection["streams"] if each["tap_stream_id"] == "fees"]
    breadcrumb = ["properties", "sourceItems", *form, "properties", "description"]
    entry["metadata"].append({"breadcrumb": breadcrumb, "metadata": {"selected": False}})
    output = run(config(firm), catalog=selection)
    [schema] = [m["schema"] for m in output.messages_of_type("SCHEMA") if m["stream"] == "fees"]
    columns = set(schema["properties"]["sourceItems"]["items"]["properties"])
    assert {"id", "duration"} <= columns
    assert "description" not in columns
    [item] = [item for r in output.records("fees") for item in r["sourceItems"] or ()]
    assert item.keys() == columns
    kept = {path for r in output.records("fees") for path in r["extraFields"]}
    assert "matter.novelty" in kept
    assert not kept & {"novelty", "sourceItems.0.novelty"}


def fill(draw: st.DrawFn, schema: Json, path: str) -> Any:
    """Draw a value whose texts are their own paths, often of another type than declared."""
    shape = draw(st.sampled_from(["right"] * 6 + ["text", "list", "object"]))
    if shape == "right" and "items" in schema:
        return [fill(draw, schema["items"], path)]
    if shape == "right" and schema.get("properties"):
        inner = schema["properties"]
        names = [name for name in inner if not is_derived(name, inner)]
        row = {name: fill(draw, inner[name], f"{path}.{name}") for name in names}
        return row | unknown(draw, path)
    text = f"<{path}>"
    return {"list": [text], "object": {"id": text, "odd": [text]}}.get(shape, text)


def crumbs_in(schema: Json, outer: Crumb = ()) -> Iterator[Crumb]:
    """Yield the breadcrumbs of a schema, also those in the objects of lists."""
    for name, inner in schema.get("items", schema).get("properties", {}).items():
        yield (*outer, "properties", name)
        yield from crumbs_in(inner, (*outer, "properties", name))


def is_derived(name: str, properties: Json) -> bool:
    return name == "lastUpdatedAt" or is_enum_name(name, properties)


def unknown(draw: st.DrawFn, path: str) -> Json:
    names = draw(st.sets(st.sampled_from(["newId", "0"]), max_size=2))
    return dict.fromkeys(names, f"<{path}.?>")


@st.composite
def masked_rows(draw: st.DrawFn) -> tuple[str, set[Crumb], str, Json]:
    """Draw a stream, the columns to deselect, the setting `unknown_fields`, and a row."""
    stream = TAP_STREAMS[draw(st.sampled_from(sorted(TAP_STREAMS)))]
    crumbs = list(crumbs_in(stream.schema))
    off = draw(st.sets(st.sampled_from(crumbs), max_size=4) | st.just(OFF[stream.name]))
    row = {
        name: fill(draw, each, name)
        for name, each in stream.schema["properties"].items()
        if name != "extraFields"
    }
    # A new field may have the name of a column that the tap derives.
    row |= dict.fromkeys([*(c.name for c in stream.columns if c.source), "newId"], "<?>")
    return stream.name, off, draw(st.sampled_from(["auto", "auto", "keep", "drop"])), row


def mask_of(stream: SmokeballStream, off: set[Crumb]) -> SelectionMask:
    metadata = MetadataMapping({(): StreamMetadata(selected=True)})
    for crumb in crumbs_in(stream.schema):
        metadata[crumb].selected = crumb not in off
    return metadata.resolve_selection()


TAP_STREAMS = cast("dict[str, SmokeballStream]", dict(TapSmokeball(validate_config=False).streams))
OFF = {
    name: {crumb for crumb, column in walk_columns(stream.columns) if not column.selected}
    for name, stream in TAP_STREAMS.items()
}


def texts(value: Any, path: Crumb = ()) -> Iterator[tuple[str, str]]:
    """Yield each path that a record's texts contain, with the record's own path to it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, (*path, name))
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, path)
    elif isinstance(value, str):
        for found in re.findall(r"<([^>]*)>", value):
            yield found, ".".join(path)


def crumb_of(path: str) -> Crumb:
    return tuple(part for name in path.split(".") for part in ("properties", name))


@given(masked_rows())
@settings(max_examples=60)
def test_record_has_nothing_deselected(drawn: tuple[str, set[Crumb], str, Json]) -> None:
    """No value from below a deselected property is in a record, nor a field beside one."""
    name, deselected, policy, row = drawn
    stream = TAP_STREAMS[name]
    mask = mask_of(stream, deselected)
    counts = ValueCounts(Counter(), Counter())
    builder = RecordBuilder(stream.all_columns, mask, policy, counts)
    [[record]] = builder.records([row], {})
    columns = {".".join(crumb[1::2]): column for crumb, column in walk_columns(stream.columns)}
    derived = {column.name for column in stream.columns if column.source}
    off = [crumb for crumb, is_selected in mask.items() if crumb and not is_selected]
    masking = [
        crumb
        for crumb in off
        if not any(
            columns[".".join(crumb[1:end:2])].is_costly and not mask[crumb[:end]]
            for end in range(2, len(crumb) + 1, 2)
            if ".".join(crumb[1:end:2]) in columns
        )
    ]
    if policy == "drop":
        assert not record.get("extraFields")
    for found, place in texts(record):
        if place.partition(".")[0] in derived:
            continue  # made from another property, but selected on its own
        *outer, last = found.split(".")
        if last != "?":
            assert mask[crumb_of(found)], (found, place)
        elif place.startswith("extraFields"):
            assert not outer or mask[crumb_of(".".join(outer))], (found, place)
            beside = [crumb for crumb in masking if not outer or crumb[1] == outer[0]]
            assert policy == "keep" or not beside, (found, beside)
    if not off and policy != "drop":
        assert {found for found, _ in texts(record)} == {found for found, _ in texts(row)}
