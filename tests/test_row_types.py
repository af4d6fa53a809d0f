"""Rows that are decoded to a type become the same records as rows that are decoded to dicts."""

from __future__ import annotations

import logging
from collections import Counter
from functools import cache
from itertools import chain
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tap_smokeball.api.json_body import DECODE_ERRORS, LenientDecoder
from tap_smokeball.api.typed_rows import copies, is_equal
from tap_smokeball.records.converters import ValueCounts
from tap_smokeball.records.record_builder import RecordBuilder
from tap_smokeball.singer.message_writer import encode_json
from tap_smokeball.tap import TapSmokeball
from tests.harness import catalog, config, decode, run, sandbox_rows
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_smokeball.sync.base_stream import SmokeballStream
    from tests.harness import Json

CREDENTIALS = {"region": "us", "client_id": "c", "client_secret": "s", "api_key": "k"}
STREAMS = ("fees", "expenses", "contacts", "tasks", "activity_codes", "memos", "files")

NUMBERS = ["0", "-0", "12", "1.50", "-0.0", "1e5", "1E-7", "1e400", "0.1234567890123456789012"]
NUMBERS += ["123456789012345678901234567890", "12345678901234567890.10", "9223372036854775807"]
INTEGERS = ["0", "1", "-7", "9223372036854775807"]
TEXTS = ['""', '"x"', r'"\ud83d\ude00"', r'"\u0000"', '"é€😀"', r'"a\"b\\"', '"12.50"']
DATE_TIMES = ['"2026-02-28T10:00:00Z"', '"2026-02-28T10:00:00.1234567Z"', '"0001-01-01T00:00:00"']
DATE_TIMES += ['"2026-02-28T10:00:00+10:00"', '"2026-02-28T10:00:00.120Z"']
USUAL = {
    "number": NUMBERS,
    "integer": INTEGERS,
    "boolean": ["true", "false"],
    "object": ['{"a":[1.50,"x"],"uploadUrl":"u"}', "{}"],
    "date": ['"2026-02-28"', '"0001-01-01"'],
    "date-time": DATE_TIMES,
    "string": TEXTS,
}
ODD = ["null", "true", '"true"', "1.0", "9223372036854775808", '"12.50"', '"2026-02-30"', "[1.50]"]
ODD += [r'"\ud800"', '{"id":1,"n":1.50}', '{"downloadUrl":"u","x":2.0}', '"2026-02-28T10:00:00"']
ODD += ['"2026-02-30T10:00:00Z"', '"2026-02-28T25:00:00.123456Z"']
ODD += ["[]", "{}", "[null]", '"2026-02-28 10:00:00z"', '[{"id":"a","newInside":1e5}]', "1e99999"]


class Side(NamedTuple):
    """A record builder, and what it counts."""

    builder: RecordBuilder
    counts: ValueCounts

    @classmethod
    def of(cls, stream: SmokeballStream) -> Side:
        counts = ValueCounts(Counter(), Counter())
        return cls(RecordBuilder(stream.all_columns, stream.mask, "keep", counts), counts)

    def records(self, rows: list[Json]) -> list[Json]:
        """Return records as a target reads them."""
        built = self.builder.records(copies(rows), {"matterId": "m", "extractedTicks": 1})
        return [decode(bytes(encode_json(record))) for record in chain.from_iterable(built)]


def usual_text(random: Random, schema: Json) -> str:
    """Return JSON of the form that a schema declares."""
    kinds = schema.get("type", [])
    if random.random() < 0.1:
        return "null"
    if "items" in schema:
        items = [usual_text(random, schema["items"]) for _ in range(random.randrange(3))]
        return f"[{','.join(items)}]"
    if schema.get("properties"):
        properties = schema["properties"]
        found = [(name, usual_text(random, inner)) for name, inner in properties.items()]
        if properties.keys() == {"id", "href"}:
            found.append((random.choice(["rel", "etag", "self"]), random.choice(TEXTS)))
        return object_text(found)
    if "anyOf" in schema:
        return random.choice(NUMBERS)
    [kind] = set(kinds) - {"null"}
    return random.choice(USUAL[schema.get("format", kind)])


def object_text(properties: list[tuple[str, str]]) -> str:
    return f"{{{','.join(f'{encode_json(name).decode()}:{text}' for name, text in properties)}}}"


def usual_properties(random: Random, stream: SmokeballStream) -> list[tuple[str, str]]:
    """Return the JSON of all properties of a row by their names."""
    names = [c.name for c in stream.all_columns if c.source is None and c.name != "extraFields"]
    schema = stream.schema["properties"]
    row = [(name, usual_text(random, schema[name])) for name in names if name in schema]
    return [("self", '{"href":"u"}'), ("rel", "1.5"), ("newField", "1.50"), *row]


def row_text(random: Random, stream: SmokeballStream) -> str:
    """Return the JSON of a row; half of the rows have something odd."""
    row = [each for each in usual_properties(random, stream) if random.random() < 0.9]
    if random.random() < 0.5:
        name = random.choice([*stream.schema["properties"], "newest", "downloadUrl"])
        row.insert(random.randrange(len(row) + 1), (name, random.choice([*ODD, *TEXTS])))
    return object_text(row)


def body_of(rows: list[str]) -> bytes:
    return f'{{"value":[{",".join(rows)}],"size":{len(rows)}}}'.encode()


@cache
def complete_tap(*, decimals: bool = False) -> TapSmokeball:
    """Return a tap with all columns selected, less two of each stream."""
    everything = TapSmokeball(validate_config=False).catalog_dict
    for stream in everything["streams"]:
        for entry in stream["metadata"]:
            name = entry["breadcrumb"][-1:]
            entry["metadata"]["selected"] = name not in (["description"], ["versionId"])
    return TapSmokeball(config={**CREDENTIALS, "use_singer_decimal": decimals}, catalog=everything)


def odd_bodies(stream: SmokeballStream) -> Iterator[bytes]:
    """Yield a page for each column and each odd value, in a row that is usual otherwise."""
    usual = dict(usual_properties(Random(1), stream))  # noqa: S311
    for name in usual:
        for odd in ODD:
            yield body_of([object_text(list({**usual, name: odd}.items()))])


def compare(stream: SmokeballStream, bodies: Iterable[bytes]) -> int:
    """Compare both ways, and return the number of typed rows."""
    typed, general = Side.of(stream), Side.of(stream)
    typed.builder.learn_types({"id", "versionId", "lastUpdated"})
    decoder = LenientDecoder(logging.getLogger("tests"))
    learned = object_text(usual_properties(Random(1), stream))  # noqa: S311
    for side in (typed, general):
        side.records(decoder.decode("x", body_of([learned] * 200))["value"])
    typed_rows = 0
    for body in bodies:
        rows = decoder.decode("x", body)["value"]
        usual_rows = rows
        if decode_usual := typed.builder.decode_usual:
            try:
                usual_rows = decode_usual(body)["value"]
            except DECODE_ERRORS:
                pass
            else:
                typed_rows += len(rows)
        assert typed.records(usual_rows) == general.records(rows)
        # The paginator still compares the rows with those of the next page.
        assert all(map(is_equal, usual_rows, rows))
        assert not is_equal(usual_rows[0], {**rows[0], "id": "other"})
        assert typed.counts == general.counts
        assert typed.builder.extra_fields.counts == general.builder.extra_fields.counts
    return typed_rows


@settings(max_examples=10, deadline=None, phases=[Phase.generate])  # a seed does not shrink
@given(seed=st.integers(0, 1 << 32))
def test_typed_row_gives_same_record(seed: int) -> None:
    """Whatever the API sends: records, unknown fields and counts are the same in both ways."""
    random = Random(seed)  # noqa: S311
    names = random.sample(STREAMS, 2)
    taps = complete_tap(), complete_tap(decimals=True)
    streams = [cast("Any", tap.streams[name]) for tap in taps for name in names]
    lengths = [random.choice([1, 1, 2]) for _ in range(6)]
    typed_rows = 0
    for stream in streams:
        bodies = [body_of([row_text(random, stream) for _ in range(n)]) for n in lengths]
        typed_rows += compare(stream, bodies)
    assert typed_rows > 0


@pytest.mark.parametrize("name", STREAMS)
def test_odd_value_of_column_gives_same_record(name: str) -> None:
    stream: Any = complete_tap().streams[name]
    assert compare(stream, odd_bodies(stream)) > 0


def test_records_are_same_without_types() -> None:
    """A stream map keeps rows from being typed. New and odd values in some rows change nothing."""
    firm = MemoryFirm(matters=36)
    fees = [entry["row"]["id"] for entry in sandbox_rows(firm, "fees")]
    assert len(fees) > 250
    for index, fee in enumerate(fees[::20]):
        odd = [{"newField": 1.5}, {"duration": "12"}, {"staff": {"id": "x", "newInside": 1}}]
        firm.control.touch("fees", fee, set=odd[index % 3])
    settings = {**config(firm), "page_size": 7}
    wanted = catalog(wanted=["fees"])
    plain = run(settings, catalog=wanted)
    mapped = run({**settings, "stream_maps": {"fees": {"__alias__": "mapped"}}}, catalog=wanted)
    ignored = {"extractedTicks": None}
    found = [record | ignored for record in plain.records("fees")]
    assert found == [record | ignored for record in mapped.records("mapped")]
    assert len({record["id"] for record in found}) == len(fees)
