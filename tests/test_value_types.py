"""Every record is valid against the schema that the tap emits, whatever the API sends."""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import chain
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    FormatChecker,
)

from tap_smokeball.singer.message_writer import encode_json
from tap_smokeball.streams import ALL
from tap_smokeball.tap import TapSmokeball
from tests.harness import catalog, config, decode, run, sandbox_rows
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from tap_smokeball.sync.base_stream import SmokeballStream
    from tests.harness import Json

pytestmark = pytest.mark.slow

CREDENTIALS = {"region": "us", "client_id": "c", "client_secret": "s", "api_key": "k"}
STREAM_NAMES = sorted(str(vars(stream)["name"]) for stream in ALL)

FORMATS = FormatChecker(["date"])
UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")


def is_date_time(value: object) -> bool:
    """Return whether a value, if it is text, is a UTC date-time that exists."""
    if not isinstance(value, str):
        return True
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return bool(UTC.fullmatch(value))


FORMATS.checks("date-time")(is_date_time)

TEXTS = [
    *("", "x", "12.50", "6", "6.0", "007", "1e400", "1e9999999", "NaN", "-0", "1_000", "\u0664"),
    *("true", "True", "no", "/Date(1700000000000)/", "2026-02-30", "2026-02-30T00:00:00Z"),
    *("10000-01-01", "10000-01-01T00:00:00Z", "0000-01-01", "0000-01-01T00:00:00Z", "2026-02-28"),
    *("2026-02-28T10:00:00", "2026-02-28T10:00:00Z", "2026-02-28 10:00:00Z"),
    *("2026-02-28t10:00:00z", "2026-02-28T10:00:00.1Z", "2026-02-28T10:00:00.1234567Z"),
    *("2026-02-28T10:00:00+10:00", "2026-02-28T10:00:00+1000", "2026-02-28T10:00Z"),
    *("9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00"),
    *("0001-01-01T05:00:00+10:00", "2026-02-28T10:00:60Z", "2026-02-28T24:00:00Z"),
    *("2026-02-28T10:00:00+99:00", "\uff12026-02-28", "2026-W01-1", "2026-02-28T00:00:00+10:00"),
    *("2026-02-28T00:00:00junk", "0001-01-01T00:00:00junk", "638000000000000000"),
]
NUMBERS = [
    *(0, 1, -1, 7, 1 << 53, (1 << 63) - 1, 1 << 63, -(1 << 63), (1 << 64) - 1, 638 * 10**15),
    *map(Decimal, ("6.0", "6.5", "1E+400", "1E+99999999", "1E-99999999", "0E+99999999", "-0.0")),
    *map(Decimal, ("123456789012345678901234567890", "0.1234567890123456789", "1E+20")),
]
SCALARS = [None, True, False, *TEXTS, *NUMBERS]
NAMES = ["id", "href", "rel", "type", "typeName", "amount", "extra", "downloadUrl", "a.b", "0"]


def any_value(random: Random, depth: int = 2) -> Any:
    kind = random.random()
    if depth and kind < 0.15:
        return [any_value(random, depth - 1) for _ in range(random.randrange(3))]
    if depth and kind < 0.3:
        names = random.sample(NAMES, random.randrange(4))
        return {name: any_value(random, depth - 1) for name in names}
    return random.choice(SCALARS)


def value_like(random: Random, schema: Json) -> Any:
    """Return a value that often has the form of a schema, at any depth."""
    if random.random() < 0.25:
        return any_value(random)
    if "items" in schema:
        return [value_like(random, schema["items"]) for _ in range(random.randrange(3))]
    if schema.get("properties"):
        names = [name for name in schema["properties"] if random.random() < 0.8]
        row = {name: value_like(random, schema["properties"][name]) for name in names}
        return row | ({random.choice(NAMES): any_value(random)} if random.random() < 0.3 else {})
    return any_value(random)


@cache
def complete_tap(*, decimals: bool = False) -> TapSmokeball:
    """Return a tap with all columns selected."""
    everything = TapSmokeball(validate_config=False).catalog_dict
    for stream in everything["streams"]:
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = True
    return TapSmokeball(config={**CREDENTIALS, "use_singer_decimal": decimals}, catalog=everything)


def tap_with_odd_catalog(random: Random) -> TapSmokeball:
    """Return a tap whose catalog deselects columns, and was made with other settings."""
    given_catalog = json.loads(json.dumps(complete_tap(decimals=True).catalog_dict))
    for stream in given_catalog["streams"]:
        for entry in stream["metadata"]:
            if entry["breadcrumb"]:
                entry["metadata"]["selected"] = random.random() < 0.7
        columns = stream["schema"]["properties"]
        for name in random.sample(sorted(columns), 2):
            if name not in stream["key_properties"]:
                columns[name] = random.choice(
                    [{"type": ["integer"]}, {"type": ["string", "null"], "maxLength": 3}]
                )
    return TapSmokeball(config=CREDENTIALS, catalog=given_catalog)


@cache
def validator(tap: TapSmokeball, name: str) -> Any:
    schema = tap.mapper.stream_maps[name][0].transformed_schema
    return Draft202012Validator(schema, format_checker=FORMATS)


def records_of(stream: SmokeballStream, rows: list[Json]) -> list[Json]:
    """Return records as a target reads them."""
    built = chain.from_iterable(stream.record_builder.records(rows, {}))
    return [decode(bytes(encode_json(record))) for record in built]


def check_records(tap: TapSmokeball, random: Random) -> None:
    for name in STREAM_NAMES:
        stream: Any = tap.streams[name]
        declared = complete_tap().streams[name].schema
        rows = [value_like(random, {**declared, "type": ["object"]}) for _ in range(2)]
        rows = [row for row in rows if isinstance(row, dict)]
        for record in records_of(stream, rows):
            validator(tap, name).validate(record)
            assert record.keys() == validator(tap, name).schema["properties"].keys()


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_record_of_any_json_is_valid(seed: int) -> None:
    """Arbitrary JSON in every column of every stream is valid, formats included."""
    check_records(complete_tap(), Random(seed))  # noqa: S311
    check_records(complete_tap(decimals=True), Random(seed))  # noqa: S311


@pytest.mark.parametrize("seed", range(3))
def test_record_is_valid_for_given_catalog(seed: int) -> None:
    """So it is with columns that are deselected, and with a catalog that disagrees."""
    random = Random(seed)  # noqa: S311
    tap = tap_with_odd_catalog(random)
    for _ in range(2):
        check_records(tap, random)
    validator.cache_clear()


def test_catalog_with_other_types_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """A discovered catalog has none; a type that accepts more may stay."""
    changed = json.loads(json.dumps(complete_tap().catalog_dict))
    TapSmokeball(config=CREDENTIALS, catalog=changed)
    assert "other types" not in caplog.text
    fees = next(each for each in changed["streams"] if each["tap_stream_id"] == "fees")["schema"]
    fees["properties"]["duration"] = {"type": ["number", "null"], "description": "Minutes"}
    fees["properties"]["subject"] = {"type": "string", "description": "Text"}
    fees["properties"]["sourceItems"]["items"]["properties"]["id"]["maxLength"] = 3
    tap = TapSmokeball(config=CREDENTIALS, catalog=changed)
    columns = tap.mapper.stream_maps["fees"][0].transformed_schema["properties"]
    assert columns["duration"] == {"type": ["number", "null"], "description": "Minutes"}
    assert columns["subject"] == {"type": ["string", "null"], "description": "Text"}
    assert "`fees` has other types than the tap for sourceItems[].id, subject;" in caplog.text


@pytest.mark.parametrize("name", STREAM_NAMES)
def test_odd_values_are_not_lost(name: str) -> None:
    """A value is in the record, or in extraFields with its path."""
    stream: Any = complete_tap().streams[name]
    for value in ("no number", {"note": "kept"}, ["kept"], True, 7, Decimal("6.5")):
        row = dict.fromkeys(stream.schema["properties"], value)
        [[record]] = stream.record_builder.records([row], {})
        extra = record["extraFields"]
        for column in row:
            held = record[column] if column != "extraFields" else None
            kept = column in extra or any(path.startswith(f"{column}.") for path in extra)
            assert held not in (None, [], [None]) or kept, (column, value)


@pytest.fixture(scope="module")
def firm() -> MemoryFirm:
    return MemoryFirm(matters=2)


def changed_fee(firm: MemoryFirm, **values: Any) -> tuple[Json, Any]:
    """Return the record of a fee with other values, and the output."""
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set=values)
    output = run(config(firm))
    assert output.status == 0
    return next(r for r in output.records("fees") if r["id"] == fee), output


def test_odd_value_without_loss_is_converted(
    firm: MemoryFirm, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing goes to extraFields, and the summary counts it."""
    caplog.set_level("INFO")
    sent = {
        "amount": "12.50",
        "duration": 6.0,
        "durationWorked": "7",
        "subject": 7,
        "finalized": "true",
        "feeType": "1",
        "createdDate": "2026-02-28t10:00:00+10:00",
        "staff": {"id": 5},
        "sourceItems": [{"duration": "3"}],
    }
    record, _ = changed_fee(firm, **sent)
    assert {name: record[name] for name in sent} == {
        "amount": Decimal("12.50"),
        "duration": 6,
        "durationWorked": 7,
        "subject": "7",
        "finalized": True,
        "feeType": 1,
        "createdDate": "2026-02-28T00:00:00.000000Z",
        "staff": {"id": "5", "href": None},
        "sourceItems": [
            {"id": None, "href": None, "description": None, "duration": 3, "isBillable": None}
        ],
    }
    assert (record["feeTypeName"], record["extraFields"]) == ("Time", None)
    assert "fees: 8 values were converted to the types of their columns: amount," in caplog.text
    [metric] = [r.getMessage() for r in caplog.records if "run_summary" in r.getMessage()]
    assert '"sourceItems[].duration":1' in metric


def test_odd_values_move_to_extra_fields(
    firm: MemoryFirm, caplog: pytest.LogCaptureFixture
) -> None:
    """Columns are null, extraFields keeps the values, the summary names the fields alone."""
    caplog.set_level("INFO")
    odd: Json = {
        "amount": "",
        "duration": 6.5,
        "durationWorked": 1 << 63,
        "subject": {"text": "x", "downloadUrl": "https://signed"},
        "finalized": "maybe",
        "createdDate": "2026-02-30T00:00:00Z",
        "feeDate": "/Date(1700000000000)/",
        "feeType": {"code": 1},
        "sourceItems": [{"duration": []}],
    }
    record, _ = changed_fee(firm, **odd, extraFields=5)
    assert {str(record[column]) for column in odd if column != "sourceItems"} == {"None"}
    assert record["feeTypeName"] is None
    assert record["extraFields"] == {
        **{name: value for name, value in odd.items() if name != "sourceItems"},
        "duration": Decimal("6.5"),
        "subject": {"text": "x"},
        "sourceItems.0.duration": [],
        "extraFields": 5,
    }
    [line] = [line for line in caplog.text.splitlines() if "do not fit" in line]
    assert line.startswith("fees: 9 values do not fit their columns, which are null there: amount,")
    assert line.endswith("sourceItems[].duration, subject")
    assert "1700000000000" not in caplog.text


def test_deselected_value_is_not_in_extra_fields() -> None:
    """A value that does not fit is dropped with its property, or with the object around it."""
    selection = catalog(
        wanted=["contacts"], select=["contacts.person"], deselect=["contacts.person.birthDate"]
    )
    tap = TapSmokeball(config=CREDENTIALS, catalog=selection)
    stream: Any = tap.streams["contacts"]
    rows = [
        {"id": "a", "person": {"birthDate": 7, "firstName": ["Ann"]}},
        {"id": "b", "person": "born in 1970"},
    ]
    [[first, second]] = stream.record_builder.records(rows, {})
    assert first["extraFields"] == {"person.firstName": ["Ann"]}
    assert (second["person"], second["extraFields"]) == (None, None)
    assert stream.result.rejected_values == {
        "person.birthDate": 1,
        "person.firstName": 1,
        "person": 1,
    }


@pytest.mark.parametrize("key", [["a"], {"a": 1}, True])
def test_odd_key_fails_its_parent_alone(firm: MemoryFirm, key: Any) -> None:
    """A row whose id is neither text nor number ends its parent's rows, not the run."""
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"id": key})
    output = run(config(firm))
    firm.control.touch("fees", fee, set={"id": fee})
    assert output.status == 1
    assert output.ids("matters")
    assert output.ids("fees")


def test_number_as_key_becomes_text(firm: MemoryFirm) -> None:
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"id": 5})
    assert run(config(firm)).ids("fees")["5"] == 1
