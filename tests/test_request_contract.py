"""Every request that the tap makes is one that the vendor's description knows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from smokeball_sandbox import SandboxServer
from tap_smokeball import dotnet_ticks, streams
from tests.harness import TOKEN, catalog, config, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json

DESCRIPTION = Path(__file__).parents[2] / "shared" / "smokeball" / "openapi.json"

pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason="the description is not at hand")

CHOICES = {
    ("GET /matters", "Type"): {"Matters", "Leads", "Matters,Leads"},
    ("GET /matters", "Status"): {"Open", "Pending", "Closed", "Deleted", "Cancelled"},
}
"""Values that the description lists in words only."""


@pytest.fixture(scope="module")
def requests() -> Iterator[list[Json]]:
    """Every request of a first and a second run over all streams and columns."""
    names = [str(vars(stream)["name"]) for stream in streams.ALL]
    opt_in = [
        f"{vars(stream)['name']}.{field.name}"
        for stream in streams.ALL
        for field in stream.columns.fields
        if not field.selected
    ]
    chosen = catalog(wanted=names, select=opt_in)
    with SandboxServer(matters=25) as firm:
        settings = config(firm, matter_statuses=["Open", "Closed"], page_size=20)
        first = run(settings, catalog=chosen)
        run(settings, first.state, chosen)
        yield [e for e in firm.control.requests(log=True)["log"] if e["template"] != TOKEN]


@pytest.fixture(scope="module")
def known() -> dict[str, dict[str, Json]]:
    """The parameters of each GET operation, by a template whose placeholders have no names."""
    paths = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["paths"]
    return {
        nameless(f"GET {path}"): {p["name"]: p for p in operations["get"].get("parameters", ())}
        for path, operations in paths.items()
        if "get" in operations
    }


def nameless(template: str) -> str:
    return re.sub(r"\{\w+\}", "{}", template)


def test_all_streams_are_asked_for(requests: list[Json]) -> None:
    asked = {nameless(entry["template"]) for entry in requests}
    assert asked >= {nameless(f"GET {stream.path}") for stream in streams.ALL}


def test_every_path_is_known(requests: list[Json], known: dict[str, dict[str, Json]]) -> None:
    assert {nameless(entry["template"]) for entry in requests} <= known.keys()


def test_every_parameter_is_known_and_its_value_valid(
    requests: list[Json], known: dict[str, dict[str, Json]]
) -> None:
    for entry in requests:
        parameters = known[nameless(entry["template"])]
        for name, value in parse_qsl(entry["query"], strict_parsing=bool(entry["query"])):
            where = f"{entry['template']} {name}"
            assert parameters[name]["in"] == "query", where
            assert not parameters[name].get("deprecated"), where
            assert is_valid(value, parameters[name], CHOICES.get((entry["template"], name))), where


def is_valid(value: str, parameter: Json, choices: set[str] | None) -> bool:
    """Whether a value is of the parameter's type, and among those that it lists."""
    schema: dict[str, Any] = parameter["schema"]
    if choices:
        return value in choices
    if listed := re.search(r"Available fields: ([\w, ]+)", parameter.get("description", "")):
        allowed = {one.strip() for one in listed[1].split(",")}
        asked = re.findall(r"\((\w+)\)", value) or value.split(",")
        return set(asked) <= allowed
    if schema["type"] == "integer":
        low, high = schema.get("minimum", 0), schema.get("maximum", dotnet_ticks.MAX)
        return value.isdigit() and low <= int(value) <= high
    if schema.get("format") == "date-time":
        return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?", value) is not None
    return bool(value)


def test_requests_name_what_the_description_names(requests: list[Json]) -> None:
    assert all(entry["request_id"] and entry["status"] in {200, 404} for entry in requests)
    missing = {entry["template"] for entry in requests if entry["status"] == 404}
    assert missing <= {"GET /matters/{matterId}/archive"}
