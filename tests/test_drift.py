"""The comparison of two API descriptions reports added, removed and changed parts."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.compare_api_descriptions import anonymous, endpoints, main, report
from scripts.generate_docs import api_streams

VENDOR = Path(__file__).parents[2] / "shared" / "smokeball" / "openapi.json"


def api_description(**fields: Any) -> dict[str, Any]:
    """Return an API description with the given fields of fees, and another list."""
    fee = {"$ref": "#/components/schemas/Fee"}
    page = {"type": "object", "properties": {"value": {"type": "array", "items": fee}}}
    responses = {"200": {"content": {"application/json": {"schema": page}}}}
    updated_since = {"in": "query", "name": "UpdatedSince", "schema": {"type": "integer"}}
    return {
        "paths": {
            "/matters/{matter}/fees": {
                "get": {"responses": responses, "parameters": [updated_since]}
            },
            "/plugins": {"get": {"responses": {}}, "post": {"responses": {}}},
        },
        "components": {"schemas": {"Fee": {"type": "object", "properties": fields}}},
    }


TEXT, WHOLE = {"type": "string"}, {"type": "integer", "format": "int32"}


def test_api_comparison_of_equal_files_is_empty() -> None:
    assert report(api_description(id=TEXT), api_description(id=TEXT)) == []


def test_api_comparison_reports_field_changes() -> None:
    old = api_description(id=TEXT, amount=WHOLE, rate=WHOLE)
    link = {"type": "object", "properties": {"id": TEXT, "href": TEXT, "rel": TEXT}}
    new = api_description(
        id=TEXT, amount=TEXT, staff=link, emoji={"allOf": [WHOLE]}, downloadUrl=TEXT
    )
    assert report(old, new) == [
        "## fees",
        "",
        "- field changed: `value[].amount`, from int32 to string",
        "- field added: `value[].emoji` (int32), kept in `extraFields` until it is a column",
        "- field removed: `value[].rate` (int32), still a column",
        "- field added: `value[].staff` (object), already a column",
        "- field added: `value[].staff.href` (string), already a column",
        "- field added: `value[].staff.id` (string), already a column",
        "",
    ]


def test_api_comparison_reports_parameter_changes() -> None:
    old, new = api_description(), api_description()
    new["paths"]["/matters/{matter}/fees"]["get"]["parameters"] = [
        {"in": "query", "name": "LastUpdated", "schema": {"type": "string", "format": "date-time"}},
        {"in": "path", "name": "matter", "schema": {"type": "string"}},
    ]
    assert report(old, new)[2:4] == [
        "- parameter added: `LastUpdated` (date-time)",
        "- parameter removed: `UpdatedSince` (integer)",
    ]


def test_api_comparison_reports_endpoint_changes() -> None:
    old, new = api_description(id=TEXT), api_description(id=TEXT)
    new["paths"] = {"/matters/{id}/advances": {"get": {}}, "/webhooks": {"post": {}}}
    assert report(old, new) == [
        "## Endpoints",
        "",
        "- removed: `GET /matters/{}/fees` (**read by the stream `fees`**)",
        "- removed: `GET /plugins` (not read)",
        "- added: `GET /matters/{}/advances`",
        "",
    ]


def test_api_comparison_handles_recursive_schema() -> None:
    """A schema that refers to itself does not cause an endless loop."""
    fee = {"$ref": "#/components/schemas/Fee"}
    assert report(
        api_description(id=TEXT), api_description(id=TEXT, related={"type": "array", "items": fee})
    )


def test_api_comparison_command_prints_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(api_description(id=TEXT)))
    new.write_text(json.dumps(api_description(id=TEXT, colour=TEXT)))
    assert main([str(old), str(new)]) == 0
    assert "- field added: `value[].colour` (string)" in capsys.readouterr().out
    assert main([str(old)]) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.skipif(not VENDOR.exists(), reason="needs the vendor's description")
class TestVendorDescription:
    def test_vendor_api_describes_all_streams(self) -> None:
        found = endpoints(json.loads(VENDOR.read_text()))
        for stream in api_streams():
            assert found[anonymous(stream.path)].fields, stream.name

    def test_vendor_comparison_names_removed_field(self) -> None:
        old = json.loads(VENDOR.read_text())
        new = copy.deepcopy(old)
        del new["components"]["schemas"]["Matter"]["properties"]["versionId"]
        assert report(old, new)[:3] == [
            "## matters",
            "",
            "- field removed: `value[].versionId` (string), still a column",
        ]
        assert report(old, old) == []
