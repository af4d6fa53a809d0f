"""`use_singer_decimal` emits amounts as decimal strings, whatever the catalog has."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from tap_smokeball.records.columns import decimal, integer, nested_object, object_list
from tap_smokeball.records.converters import ValueCounts
from tap_smokeball.records.decimals import as_decimal_string
from tap_smokeball.records.extra_fields import EXTRA_FIELDS
from tap_smokeball.records.record_builder import RecordBuilder, json_schema
from tests.harness import config, run, run_cli, sandbox_rows
from tests.recorded_firm import CONTENT_STREAMS, STREAMS

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json

pytestmark = pytest.mark.slow

DECIMAL = {"type": "string", "format": "x-singer.decimal", "precision": 38, "scale": 18}
EVERYTHING: Any = defaultdict(lambda: True)
NO_COUNTS = ValueCounts(Counter(), Counter())
DECIMALS_ON = {"TAP_SMOKEBALL_USE_SINGER_DECIMAL": "true"}


def discover(**environment: str) -> Json:
    [text] = run_cli("--config=ENV", "--discover", environment=environment).messages
    found: Json = json.loads(text["text"])
    for stream in found["streams"]:
        stream["metadata"][-1]["metadata"]["selected"] = True
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = True
    return found


def amounts(schema: Json, record: Any) -> list[Any]:
    """Return the values of all properties that the schema declares as decimals."""
    if record is None:
        return []
    if "items" in schema:
        return [value for item in record for value in amounts(schema["items"], item)]
    if DECIMAL in schema.get("anyOf", ()):
        return [record]
    inner = schema.get("properties", {})
    return [v for name in inner if name in record for v in amounts(inner[name], record[name])]


@pytest.mark.parametrize(
    "before", [{}, DECIMALS_ON], ids=["discovered as numbers", "discovered as decimals"]
)
@pytest.mark.parametrize("after", [False, True], ids=["emitted as numbers", "emitted as decimals"])
def test_decimal_setting_matches_schema_and_rows(
    start: StartFirm, before: dict[str, str], *, after: bool
) -> None:
    """Schema and records agree, even if the catalog predates the setting."""
    firm = start(matters=12)
    output = run(config(firm, use_singer_decimal=after), catalog=discover(**before))
    schemas = {
        message["stream"]: message["schema"] for message in output.messages_of_type("SCHEMA")
    }
    assert schemas.keys() == {*STREAMS, *CONTENT_STREAMS, "sync_runs"}
    found = 0
    for stream, schema in schemas.items():
        assert ("x-singer.decimal" in json.dumps(schema)) <= after
        validator = Draft7Validator(schema)
        for record in output.records(stream):
            assert not list(validator.iter_errors(record))
            values = amounts(schema, record)
            assert all(isinstance(value, str) for value in values)
            found += len(values)
    assert (found > 0) == after


def test_decimal_strings_keep_digits_of_api(firm: SandboxServer) -> None:
    exact_rows = run(config(firm, use_singer_decimal=True)).records("fees")
    sent = {entry["row"]["id"]: entry["row"] for entry in sandbox_rows(firm, "fees")}
    assert exact_rows
    for record in exact_rows:
        assert Decimal(record["amount"]) == sent[record["id"]]["amount"]


COLUMNS = (
    decimal("a", "A"),
    integer("b", "B"),
    nested_object("c", "C", decimal("a", "A")),
    object_list("d", "D", decimal("a", "A"), nested_object("e", "E", decimal("a", "A"))),
)


@given(
    st.decimals(-(10**20) + 1, 10**20 - 1, allow_nan=False, places=None)
    | st.integers(-(10**20) + 1, 10**20 - 1)
)
def test_decimal_strings_are_exact_and_plain(value: Decimal | int) -> None:
    """Each number keeps its value and is written without an exponent."""
    columns = [as_decimal_string(field) for field in COLUMNS]
    row = {"a": value, "c": {"a": value}, "d": [{"a": value, "e": {"a": value}}]}
    [[record]] = RecordBuilder(columns, EVERYTHING, "keep", NO_COUNTS).records([row], {})
    texts = [record["a"], record["c"]["a"], record["d"][0]["a"], record["d"][0]["e"]["a"]]
    for text in texts:
        assert Decimal(text) == value
        assert "e" not in text.lower()


@pytest.mark.parametrize("value", [True, "12,50", {"value": 1}, [1], 10**20, Decimal("1E-999999")])
def test_odd_amount_moves_to_extra_fields(value: Any) -> None:
    """The column is null, and extraFields keeps the value."""
    columns = [as_decimal_string(decimal("a", "A")), EXTRA_FIELDS]
    [[record]] = RecordBuilder(columns, EVERYTHING, "keep", NO_COUNTS).records([{"a": value}], {})
    assert record == {"a": None, "extraFields": {"a": value}}


def test_decimal_schema_keeps_other_properties() -> None:
    plain, decimal = (
        json_schema(COLUMNS),
        json_schema(as_decimal_string(field) for field in COLUMNS),
    )
    assert decimal["properties"]["b"] == plain["properties"]["b"]
    assert decimal["properties"]["a"]["description"] == "A"
    assert decimal["properties"]["d"]["items"]["properties"]["a"]["anyOf"][0] == DECIMAL
