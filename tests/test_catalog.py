"""The catalog changes only on purpose, and fits loaders and readers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

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


def test_catalog_lists_42_streams_and_runs() -> None:
    assert len(set(NAMES) - {"sync_runs"}) == 42
    assert len(NAMES) == 43
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


def metadata_of(stream: str) -> dict[str, Json]:
    entry = next(entry for entry in ENTRIES if entry["tap_stream_id"] == stream)
    return {".".join(m["breadcrumb"][1::2]): m["metadata"] for m in entry["metadata"]}


def test_catalog_deselects_identity_and_health() -> None:
    """Identity, health, notes, memo texts in RTF, and intake responses are opt-in."""
    found = catalog_snapshot.snapshot()
    off = set(found["contacts"]["not_selected"])
    by_sensitivity = {
        name
        for name, entry in metadata_of("contacts").items()
        if entry.get("sensitivity") in {"identity", "health"} and name.count(".") == 1
    }
    assert off == by_sensitivity | {"person.notes", "company.notes", "person.utbmsDetails"}
    assert {
        f"person.{name}"
        for name in (
            "identificationNumber",
            "specialNeeds",
            "centrelinkReferenceNumber",
            "birthDate",
            "correctionsReferenceNumber",
            "maritalStatus",
            "passportDetails",
            "deathDetails",
        )
    } <= by_sensitivity
    assert found["memos"]["not_selected"] == ["text"]
    assert found["intake_submissions"]["not_selected"] == ["responses"]


@pytest.mark.parametrize(
    ("stream", "column", "sensitivity"),
    [
        ("archives", "archiveComments", "privileged"),
        ("bank_accounts", "contactBalances", "trust"),
        ("contacts", "person.phone.number", "personal"),
        ("contacts", "person.passportDetails.passportNumber", "identity"),
        ("contacts", "person.specialNeeds", "health"),
        ("events", "subject", "privileged"),
        ("fees", "extraFields", "privileged"),
        ("files", "name", "privileged"),
        ("firm", "abn", "personal"),
        ("firm", "streetAddress.city", "personal"),
        ("groups", "name", "privileged"),
        ("matter_stages", "stage.name", "privileged"),
        ("matter_types", "extraFields", "personal"),
        ("matter_types", "name", None),
        ("staff", "lastName", "personal"),
        ("staff", "initials", "personal"),
        ("task_documents", "document.href", "privileged"),
        ("tasks", "note", "privileged"),
    ],
)
def test_catalog_marks_sensitive_columns(stream: str, column: str, sensitivity: str | None) -> None:
    """The Singer metadata has the mark, also for what is nested in a sensitive column."""
    assert metadata_of(stream)[column].get("sensitivity") == sensitivity


def test_catalog_marks_whole_streams() -> None:
    marks = {name: metadata_of(name)[""].get("sensitivity") for name in NAMES}
    trust = {"bank_accounts", "matter_balances", "transactions"}
    assert {name for name, mark in marks.items() if mark == "trust"} == trust
    for name, mark in marks.items():
        if mark:
            assert all(entry.get("sensitivity") for entry in metadata_of(name).values()), name
    assert {"matters", "matter_roles", "memos", "fees", "expenses", "invoices"} <= {
        name for name, mark in marks.items() if mark == "privileged"
    }
    assert {"contacts", "contact_relations", "matter_layouts", "intake_submissions", "staff"} <= {
        name for name, mark in marks.items() if mark == "personal"
    }
