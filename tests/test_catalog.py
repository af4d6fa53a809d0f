"""The catalog changes only when it is meant to, and says what loaders and readers need."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball import streams
from tap_smokeball.tap import TapSmokeball
from tests import catalog_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json

ENTRIES: list[Json] = TapSmokeball(validate_config=False).catalog_dict["streams"]
NAMES = [entry["tap_stream_id"] for entry in ENTRIES]
INCREMENTAL = "INCREMENTAL"
LISTS = ("key", "not_selected")
"""Entries of the snapshot that are compared as a whole."""


def test_the_catalog_is_as_it_was() -> None:
    before, now = (
        flat(json.loads(catalog_snapshot.PATH.read_text())),
        flat(catalog_snapshot.catalog()),
    )
    differences = [
        f"{place}: {before.get(place, 'nothing')} -> {now.get(place, 'nothing')}"
        for place in sorted(before.keys() | now.keys())
        if before.get(place) != now.get(place)
    ]
    hint = "if this is meant, run python -m tests.catalog_snapshot and say so in the changelog"
    assert not differences, "\n".join([hint, *differences])


def flat(value: Any, at: str = "") -> dict[str, Any]:
    """Return all leaves by their dotted place, which makes differences readable."""
    if isinstance(value, dict) and value:
        parts = [flat(inner, f"{at}.{name}".lstrip(".")) for name, inner in value.items()]
    elif (
        isinstance(value, list)
        and value
        and at.rsplit(".", maxsplit=1)[-1] not in {"key", "not_selected"}
    ):
        parts = [flat(inner, f"{at}[]") for inner in value]
    else:
        return {at: value}
    return {place: leaf for part in parts for place, leaf in part.items()}


def properties(schema: Json, at: str = "") -> Iterator[tuple[str, Json]]:
    """Yield every property with its place, to any depth."""
    for name, inner in schema.get("properties", {}).items():
        yield f"{at}.{name}", inner
        yield from properties(inner, f"{at}.{name}")
    if "items" in schema:
        yield from properties(schema["items"], f"{at}[]")


def test_there_are_32_streams_in_order() -> None:
    assert len(NAMES) == 32
    assert sorted(NAMES) == NAMES


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
class TestEveryStream:
    def test_keys_are_columns(self, entry: Json) -> None:
        columns = entry["schema"]["properties"].keys()
        assert entry["key_properties"]
        assert set(entry["key_properties"]) <= columns
        if entry.get("replication_key"):
            assert entry["replication_key"] in columns
        assert (entry["replication_method"] == INCREMENTAL) == bool(entry.get("replication_key"))

    def test_everything_is_described_in_the_same_manner(self, entry: Json) -> None:
        for place, column in properties(entry["schema"], entry["tap_stream_id"]):
            description = column.get("description", "")
            assert description, place
            assert not description.endswith("."), place
            assert not description[0].islower() or description[0] == "`", place
            assert len(description.split(": 0 ")[0]) <= 110, place

    def test_everything_can_be_null(self, entry: Json) -> None:
        for place, column in properties(entry["schema"], entry["tap_stream_id"]):
            assert "null" in column["type"], place
            assert "null" in column.get("items", column)["type"], place

    def test_no_value_is_refused(self, entry: Json) -> None:
        """An enumeration would make loaders refuse what the vendor adds tomorrow."""
        assert "enum" not in json.dumps(entry["schema"])
        assert "required" not in json.dumps(entry["schema"])
        assert '"additionalProperties": false' not in json.dumps(entry["schema"])

    def test_no_signed_address_is_emitted(self, entry: Json) -> None:
        names = {place.rsplit(".", 1)[-1] for place, _ in properties(entry["schema"], "")}
        assert not names & {"downloadUrl", "uploadUrl"}


def test_sensitive_blocks_are_not_selected() -> None:
    found = catalog_snapshot.catalog()
    identity = {"passportDetails", "deathDetails", "citizenshipDetails", "executionOptions"}
    names = {place.rsplit(".", 1)[-1] for place in found["contacts"]["not_selected"]}
    assert identity | {"voiDetails", "utbmsDetails"} == names
    assert found["memos"]["not_selected"] == ["text"]
    assert found["intake_submissions"]["not_selected"] == ["responses"]


def test_what_needs_care_is_marked() -> None:
    whole = {
        vars(stream)["name"]: stream.sensitivity for stream in streams.ALL if stream.sensitivity
    }
    assert {name for name, why in whole.items() if why == "trust"} == {
        "bank_accounts",
        "matter_balances",
        "transactions",
    }
    assert {"matters", "matter_roles", "memos", "fees", "expenses", "invoices"} <= whole.keys()
    assert {"contacts", "contact_relations", "matter_layouts", "intake_submissions"} <= whole.keys()
    single = {
        f"{vars(stream)['name']}.{field.name}": field.sensitivity
        for stream in streams.ALL
        for field in stream.columns.fields
        if field.sensitivity
    }
    assert single["tasks.note"] == single["files.name"] == single["events.subject"] == "privileged"
    assert single["staff.rate"] == single["firm.abn"] == "personal"
