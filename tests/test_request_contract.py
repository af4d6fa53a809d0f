"""Each request of the tap matches the vendor's API description."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from scripts.unread_endpoints import UNREAD
from smokeball_sandbox import SandboxServer
from smokeball_sandbox.faults import DOCUMENT_TEMPLATE
from tap_smokeball import dotnet_ticks, streams
from tap_smokeball.sync.content_stream import ContentStream
from tests.harness import TOKEN, catalog, config, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json

DESCRIPTION = Path(__file__).parents[2] / "shared" / "smokeball" / "openapi.json"

pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason="needs the vendor's description")

ALLOWED_VALUES = {
    ("GET /matters", "Type"): {"Matters", "Leads", "Matters,Leads"},
    ("GET /matters", "Status"): {"Open", "Pending", "Closed", "Deleted", "Cancelled"},
}
"""Values that the description lists in prose only."""


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Json]]:
    """Yield all requests of a first and a second run over all streams and columns."""
    names = [str(vars(stream)["name"]) for stream in streams.ALL]
    opt_in = [
        f"{vars(stream)['name']}.{field.name}"
        for stream in streams.ALL
        for field in stream.columns
        if not field.selected
    ]
    selection = catalog(wanted=names, select=opt_in)
    with SandboxServer(matters=25) as firm:
        settings = config(firm, matter_statuses=["Open", "Closed"], page_size=20)
        settings["documents_url"] = tmp_path_factory.mktemp("documents").as_uri()
        settings["documents_earlier_versions"] = True
        first = run(settings, catalog=selection)
        run(settings, first.state, selection)
        yield [
            e
            for e in firm.control.requests(log=True)["log"]
            if e["template"] not in {TOKEN, DOCUMENT_TEMPLATE}
        ]


@pytest.fixture(scope="module")
def described_parameters() -> dict[str, dict[str, Json]]:
    """Return the parameters of each GET operation, by anonymous path."""
    paths = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["paths"]
    return {
        anonymous_path(f"GET {path}"): {
            p["name"]: p for p in operations["get"].get("parameters", ())
        }
        for path, operations in paths.items()
        if "get" in operations
    }


def anonymous_path(template: str) -> str:
    return re.sub(r"\{\w+\}", "{}", template)


def test_requests_cover_all_streams(requests: list[Json]) -> None:
    requested = {anonymous_path(entry["template"]) for entry in requests}
    paths = {stream.path for stream in streams.ALL}
    paths |= {stream.address_path for stream in streams.ALL if issubclass(stream, ContentStream)}
    assert requested >= {anonymous_path(f"GET {path}") for path in paths}


def test_docs_name_each_endpoint_that_is_unread(
    described_parameters: dict[str, dict[str, Json]],
) -> None:
    """Each endpoint is requested by a stream, or in the table of those that none reads."""
    unread = {anonymous_path(f"GET {path}") for each in UNREAD for path in each.paths}
    families = tuple(path.rstrip("*") for path in unread if path.endswith("*"))
    read = {anonymous_path(f"GET {stream.path}") for stream in streams.ALL}
    read |= {
        anonymous_path(f"GET {stream.address_path}")
        for stream in streams.ALL
        if issubclass(stream, ContentStream)
    }
    read.add("GET /matters/{}/documents/folders/{}")
    read.add("GET /intake/{}/submissions/{}")
    named = {path for path in described_parameters if path in unread or path.startswith(families)}
    assert read | named == described_parameters.keys()
    assert not read & named


def test_docs_name_each_post_that_returns_records() -> None:
    """Only those of plugins, webhooks and the firm's own subscription have other reasons."""
    paths = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["paths"]
    returning = {
        path for path, each in paths.items() if "200" in each.get("post", {}).get("responses", {})
    }
    others = ("/plugins", "/subscriptions", "/webhooks")
    named = {path for each in UNREAD for path in each.paths}
    assert {path for path in returning if not path.startswith(others)} <= named


def test_protected_balance_is_in_no_other_record() -> None:
    """So no stream can read them: the API has no list of them."""
    schemas = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["components"]["schemas"]
    names = {
        (record, name)
        for record, schema in schemas.items()
        for name, declared in schema.get("properties", {}).items()
        if "protect" in name.lower() and declared.get("type") not in {"number", "boolean"}
    }
    assert {record for record, _ in names} <= {"ProtectedAccountBalance"}


def test_request_paths_match_api_description(
    requests: list[Json], described_parameters: dict[str, dict[str, Json]]
) -> None:
    assert {anonymous_path(entry["template"]) for entry in requests} <= described_parameters.keys()


def test_request_parameters_match_description(
    requests: list[Json], described_parameters: dict[str, dict[str, Json]]
) -> None:
    """Each parameter is a current query parameter, and its value is valid."""
    for entry in requests:
        parameters = described_parameters[anonymous_path(entry["template"])]
        for name, value in parse_qsl(entry["query"], strict_parsing=bool(entry["query"])):
            where = f"{entry['template']} {name}"
            assert parameters[name]["in"] == "query", where
            assert not parameters[name].get("deprecated"), where
            assert is_valid(
                value, parameters[name], ALLOWED_VALUES.get((entry["template"], name))
            ), where


def is_valid(value: str, parameter: Json, allowed_values: set[str] | None) -> bool:
    """Whether a value has the parameter's type and is one of its listed values."""
    schema: dict[str, Any] = parameter["schema"]
    if allowed_values:
        return value in allowed_values
    if listed := re.search(r"Available fields: ([\w, ]+)", parameter.get("description", "")):
        allowed = {field.strip() for field in listed[1].split(",")}
        requested = re.findall(r"\((\w+)\)", value) or value.split(",")
        return set(requested) <= allowed
    if schema["type"] == "integer":
        low, high = schema.get("minimum", 0), schema.get("maximum", dotnet_ticks.MAX)
        return value.isdigit() and low <= int(value) <= high
    if schema.get("format") == "date-time":
        return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?", value) is not None
    return bool(value)


def test_requests_succeed_except_missing_archives(requests: list[Json]) -> None:
    """Each request has an id and succeeds; only an archive may be missing."""
    assert all(entry["request_id"] and entry["status"] in {200, 404} for entry in requests)
    missing = {entry["template"] for entry in requests if entry["status"] == 404}
    assert missing <= {"GET /matters/{matterId}/archive"}
