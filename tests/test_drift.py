"""What the comparison of two descriptions of the API says."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.compare_api_descriptions import anonymous, endpoints, main, report
from scripts.generate_docs import streams

VENDOR = Path(__file__).parents[2] / "shared" / "smokeball" / "openapi.json"


def described(**fields: Any) -> dict[str, Any]:
    """Return a description of fees, whose rows have these fields, and of two more lists."""
    fee = {"$ref": "#/components/schemas/Fee"}
    page = {"type": "object", "properties": {"value": {"type": "array", "items": fee}}}
    answer = {"200": {"content": {"application/json": {"schema": page}}}}
    since = {"in": "query", "name": "UpdatedSince", "schema": {"type": "integer"}}
    return {
        "paths": {
            "/matters/{matter}/fees": {"get": {"responses": answer, "parameters": [since]}},
            "/plugins": {"get": {"responses": {}}, "post": {"responses": {}}},
        },
        "components": {"schemas": {"Fee": {"type": "object", "properties": fields}}},
    }


TEXT, WHOLE = {"type": "string"}, {"type": "integer", "format": "int32"}


def test_the_same_differs_in_nothing() -> None:
    assert report(described(id=TEXT), described(id=TEXT)) == []


def test_fields_appear_change_and_go() -> None:
    old = described(id=TEXT, amount=WHOLE, rate=WHOLE)
    link = {"type": "object", "properties": {"id": TEXT, "href": TEXT, "rel": TEXT}}
    new = described(id=TEXT, amount=TEXT, staff=link, emoji={"allOf": [WHOLE]}, downloadUrl=TEXT)
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


def test_parameters_appear_change_and_go() -> None:
    old, new = described(), described()
    new["paths"]["/matters/{matter}/fees"]["get"]["parameters"] = [
        {"in": "query", "name": "LastUpdated", "schema": {"type": "string", "format": "date-time"}},
        {"in": "path", "name": "matter", "schema": {"type": "string"}},
    ]
    assert report(old, new)[2:4] == [
        "- parameter added: `LastUpdated` (date-time)",
        "- parameter removed: `UpdatedSince` (integer)",
    ]


def test_endpoints_appear_and_go() -> None:
    old, new = described(id=TEXT), described(id=TEXT)
    new["paths"] = {"/matters/{id}/advances": {"get": {}}, "/webhooks": {"post": {}}}
    assert report(old, new) == [
        "## Endpoints",
        "",
        "- removed: `GET /matters/{}/fees` (**read by the stream `fees`**)",
        "- removed: `GET /plugins` (not read)",
        "- added: `GET /matters/{}/advances`",
        "",
    ]


def test_a_schema_that_refers_to_itself_ends() -> None:
    fee = {"$ref": "#/components/schemas/Fee"}
    assert report(described(id=TEXT), described(id=TEXT, related={"type": "array", "items": fee}))


def test_as_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(described(id=TEXT)))
    new.write_text(json.dumps(described(id=TEXT, colour=TEXT)))
    assert main([str(old), str(new)]) == 0
    assert "- field added: `value[].colour` (string)" in capsys.readouterr().out
    assert main([str(old)]) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.skipif(not VENDOR.exists(), reason="the vendor's description is not here")
class TestOnTheVendorsOwn:
    def test_each_stream_is_found_with_its_fields(self) -> None:
        found = endpoints(json.loads(VENDOR.read_text()))
        for stream in streams():
            assert found[anonymous(stream.path)].fields, stream.name

    def test_what_is_taken_away_is_named(self) -> None:
        old = json.loads(VENDOR.read_text())
        new = copy.deepcopy(old)
        del new["components"]["schemas"]["Matter"]["properties"]["versionId"]
        assert report(old, new)[:3] == [
            "## matters",
            "",
            "- field removed: `value[].versionId` (string), still a column",
        ]
        assert report(old, old) == []
