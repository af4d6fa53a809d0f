"""The catalog changes only on purpose, and fits loaders and readers."""

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
"""Entries of the snapshot that are compared as whole lists."""


def test_catalog_matches_snapshot() -> None:
    """The catalog equals the snapshot; a change must be accepted explicitly."""
    before, current = (
        flatten(json.loads(catalog_snapshot.PATH.read_text())),
        flatten(catalog_snapshot.snapshot()),
    )
    differences = [
        f"{path}: {before.get(path, 'nothing')} -> {current.get(path, 'nothing')}"
        for path in sorted(before.keys() | current.keys())
        if before.get(path) != current.get(path)
    ]
    hint = "if intended, run python -m tests.catalog_snapshot and add it to the changelog"
    assert not differences, "\n".join([hint, *differences])


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return all leaves by dotted path, for readable differences."""
    if isinstance(value, dict) and value:
        parts = [flatten(nested, f"{prefix}.{name}".lstrip(".")) for name, nested in value.items()]
    elif (
        isinstance(value, list)
        and value
        and prefix.rsplit(".", maxsplit=1)[-1] not in {"key", "not_selected"}
    ):
        parts = [flatten(nested, f"{prefix}[]") for nested in value]
    else:
        return {prefix: value}
    return {path: leaf for part in parts for path, leaf in part.items()}


def properties(schema: Json, prefix: str = "") -> Iterator[tuple[str, Json]]:
    """Yield each property with its path, at any depth."""
    for name, nested in schema.get("properties", {}).items():
        yield f"{prefix}.{name}", nested
        yield from properties(nested, f"{prefix}.{name}")
    if "items" in schema:
        yield from properties(schema["items"], f"{prefix}[]")


def test_catalog_lists_32_streams_in_order() -> None:
    assert len(NAMES) == 32
    assert sorted(NAMES) == NAMES


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
class TestEveryStream:
    def test_catalog_keys_are_columns(self, entry: Json) -> None:
        """Primary and replication keys are columns of the stream."""
        columns = entry["schema"]["properties"].keys()
        assert entry["key_properties"]
        assert set(entry["key_properties"]) <= columns
        if entry.get("replication_key"):
            assert entry["replication_key"] in columns
        assert (entry["replication_method"] == INCREMENTAL) == bool(entry.get("replication_key"))

    def test_catalog_columns_have_short_descriptions(self, entry: Json) -> None:
        """Each column has a short description in the same style."""
        for path, column in properties(entry["schema"], entry["tap_stream_id"]):
            description = column.get("description", "")
            assert description, path
            assert not description.endswith("."), path
            assert not description[0].islower() or description[0] == "`", path
            assert len(description.split(": 0 ")[0]) <= 110, path

    def test_catalog_columns_are_nullable(self, entry: Json) -> None:
        for path, column in properties(entry["schema"], entry["tap_stream_id"]):
            assert "null" in column["type"], path
            assert "null" in column.get("items", column)["type"], path

    def test_catalog_schema_accepts_future_values(self, entry: Json) -> None:
        """No enum or required list makes a loader reject new values of the vendor."""
        assert "enum" not in json.dumps(entry["schema"])
        assert "required" not in json.dumps(entry["schema"])
        assert '"additionalProperties": false' not in json.dumps(entry["schema"])

    def test_catalog_has_no_signed_url_columns(self, entry: Json) -> None:
        names = {path.rsplit(".", 1)[-1] for path, _ in properties(entry["schema"], "")}
        assert not names & {"downloadUrl", "uploadUrl"}


def test_catalog_deselects_sensitive_columns() -> None:
    """Identity details, memo texts and intake responses are opt-in."""
    found = catalog_snapshot.snapshot()
    identity = {"passportDetails", "deathDetails", "citizenshipDetails", "executionOptions"}
    names = {path.rsplit(".", 1)[-1] for path in found["contacts"]["not_selected"]}
    assert identity | {"voiDetails", "utbmsDetails"} == names
    assert found["memos"]["not_selected"] == ["text"]
    assert found["intake_submissions"]["not_selected"] == ["responses"]


def test_catalog_marks_sensitive_data() -> None:
    """Trust money, client data and personal data have a sensitivity."""
    by_stream = {
        vars(stream)["name"]: stream.sensitivity for stream in streams.ALL if stream.sensitivity
    }
    assert {name for name, sensitivity in by_stream.items() if sensitivity == "trust"} == {
        "bank_accounts",
        "matter_balances",
        "transactions",
    }
    assert {"matters", "matter_roles", "memos", "fees", "expenses", "invoices"} <= by_stream.keys()
    assert {
        "contacts",
        "contact_relations",
        "matter_layouts",
        "intake_submissions",
    } <= by_stream.keys()
    by_column = {
        f"{vars(stream)['name']}.{field.name}": field.sensitivity
        for stream in streams.ALL
        for field in stream.columns
        if field.sensitivity
    }
    assert (
        by_column["tasks.note"]
        == by_column["files.name"]
        == by_column["events.subject"]
        == "privileged"
    )
    assert by_column["staff.rate"] == by_column["firm.abn"] == "personal"
