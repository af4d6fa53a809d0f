"""The sandbox against the vendor's OpenAPI document, where it is available."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from smokeball_sandbox import SandboxServer
from smokeball_sandbox.areas import DETAILS, RESOURCES
from smokeball_sandbox.resources import Resource, ResponseFormat
from tests.sandbox_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

DESCRIPTION = Path(__file__).parent.parent.parent / "shared/smokeball/openapi.json"
STREAMS = DESCRIPTION.with_name("streams.json")
REGIONS = ("us", "au", "uk")
MATTERS = 40

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DESCRIPTION.exists(), reason="the OpenAPI document is not available"),
]

# Deviations of the API from its OpenAPI document (docs/smokeball.md).
HYPERMEDIA = {"rel", "etag"}
"""Samples and live responses use these names; the document says ``relation``."""
LEGACY = {
    # No longer in the document, still in the guide's samples and in live responses. The last one is
    # in live responses only.
    "matters": {"clientIds", "otherSideIds", "personResponsibleStaffId", "isMatterTemplate"},
}
REDECLARED = {
    # Declared as one transaction, though it has Offset and Limit: served as a page.
    "transactions": {"$ref": "#/components/schemas/TransactionPagedCollection"},
}
RETYPED = {
    # An integer until 2026-05-28, and still one in the text of the document.
    ("Event", "eventType"): {"type": ["string", "integer"]},
}
OPEN = {
    # An interface: it declares only the properties that roles and layouts share.
    "IMatterItem",
}
# Formats are not checked: date-times may be dates, lack a zone, or have seven digits.

# Properties that no row has, with the reason.
_REGIONAL = "exists in other regions than its parent object"
_NO_BOX = "a street address is not a post office box"
_NESTED = "a nested object has no URL"
UNSEEN = {
    "tasks.parentTask.id": "/tasks lists no subtasks, and only those have a parent",
    "tasks.parentTask.href": "/tasks lists no subtasks, and only those have a parent",
    "contacts.company.executionOptions.person1.address.county": _REGIONAL,
    "contacts.company.executionOptions.person1.address.locality": _REGIONAL,
    "contacts.company.executionOptions.person2.address.county": _REGIONAL,
    "contacts.company.executionOptions.person2.address.locality": _REGIONAL,
    "contacts.company.registeredAddress.locality": _REGIONAL,
    "contacts.groupOfPeople.mailingAddress.locality": _REGIONAL,
    "contacts.person.executionOptions.address.county": _REGIONAL,
    "contacts.person.executionOptions.address.locality": _REGIONAL,
    "contacts.person.mailingAddress.locality": _REGIONAL,
    "contacts.trust.address.locality": _REGIONAL,
    "firm.streetAddress.careOf": _NO_BOX,
    "firm.streetAddress.poBoxNumber": _NO_BOX,
    "firm.streetAddress.poBoxType": _NO_BOX,
    "fees.sourceItems.id": _NESTED,
    "fees.sourceItems.href": _NESTED,
    "matters.tags.href": _NESTED,
}


_ONLY_FILES = ("file", "oldMatterId", "newMatterId", "oldFolderId", "newFolderId")
UNSEEN_DETAILS = {
    "file_versions": {".value.folder"},
    "folder_versions": {
        *(f".value.{name}" for name in _ONLY_FILES),
        *(".value.copySourceFileId", ".value.copySourceFolderId", ".value.documentVersionId"),
    },
}
"""The history of a file names no folder, and the history of a folder no file."""


def load(path: Path) -> Json:
    document: Json = json.loads(path.read_text())
    return document


@pytest.fixture(scope="module")
def description() -> Json:
    return load(DESCRIPTION)


@pytest.fixture(scope="module")
def regions() -> Iterator[dict[str, SandboxServer]]:
    with ExitStack() as stack:
        yield {
            region: stack.enter_context(SandboxServer(matters=MATTERS, region=region))
            for region in REGIONS
        }


def without_names(path: str) -> str:
    """Return a path template without the names of its parameters."""
    return re.sub(r"{\w+}", "{}", path)


def operations(description: Json) -> dict[str, Json]:
    return {
        without_names(path): item["get"]
        for path, item in description["paths"].items()
        if "get" in item
    }


def nullable(node: Any) -> Any:
    """Convert OpenAPI 3.0 ``nullable`` to JSON Schema."""
    if isinstance(node, list):
        return [nullable(each) for each in node]
    if not isinstance(node, dict):
        return node
    node = {name: nullable(value) for name, value in node.items() if name != "format"}
    if node.pop("nullable", False) is True:
        if isinstance(node.get("type"), str):
            return {**node, "type": [node["type"], "null"]}
        return {"anyOf": [node, {"type": "null"}]}
    return node


def validators(description: Json) -> dict[str, Any]:
    """Return a validator of the response of each template."""
    schemas = nullable(description["components"]["schemas"])
    for (record, name), schema in RETYPED.items():
        schemas[record]["properties"][name] = schema
    for record in OPEN:
        schemas[record]["additionalProperties"] = True
    page = json.dumps(schemas["FeePagedCollection"]).replace("/Fee", "/Transaction")
    schemas["TransactionPagedCollection"] = json.loads(page)
    found = {}
    for resource in (*RESOURCES, *DETAILS):
        for template in templates(resource):
            response = operations(description)[without_names(template)]["responses"]["200"]
            schema = nullable(response["content"]["application/json"]["schema"])
            if template == resource.path:
                schema = REDECLARED.get(resource.name, schema)
            found[template] = Draft202012Validator({**schema, "components": {"schemas": schemas}})
    return found


def templates(resource: Resource) -> list[str]:
    by_id = (
        [] if resource.id_parameter is None else [f"{resource.path}/{{{resource.id_parameter}}}"]
    )
    return [*([resource.path] if resource.is_listed else []), *by_id]


def without_accepted(resource: Resource, node: Any) -> Any:
    """Return a response without the accepted undeclared properties."""
    if isinstance(node, list):
        # Live lists were seen to hold null.
        return [without_accepted(resource, each) for each in node if each is not None]
    if not isinstance(node, dict):
        return node
    extra = HYPERMEDIA | LEGACY.get(resource.name, set())
    return {
        name: without_accepted(resource, value) for name, value in node.items() if name not in extra
    }


def schema_errors(validator: Any, content: Any) -> list[str]:
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in validator.iter_errors(content)
    ][:5]


def parents(sandbox: SandboxServer, resource: Resource) -> list[str | None]:
    if resource.parent is None:
        return [None]
    return [each["row"]["id"] for each in sandbox.control.rows(resource.parent)]


def test_sandbox_resources_match_stream_list() -> None:
    streams = {each["name"]: each for each in load(STREAMS)["streams"]}
    assert [each.name for each in RESOURCES if each.name not in streams] == []
    assert len(RESOURCES) == len(streams) == 32
    for resource in RESOURCES:
        stream = streams[resource.name]
        assert (resource.path, resource.parent) == (stream["path"], stream["parent"])
        wrapper = "tree" if resource.build_tree else resource.response_format.value
        assert wrapper == stream["wrapper"].partition(":")[0]
        date_formats = {each.name: each.date_format for each in resource.date_filters}
        assert date_formats.get(stream["filter"]) == stream["dialect"]


def test_sandbox_parameters_match_openapi(description: Json) -> None:
    known = operations(description)
    for resource in RESOURCES:
        listed = known[without_names(resource.path)]
        names = {each["name"] for each in listed.get("parameters", []) if each["in"] == "query"}
        assert {each.name for each in resource.date_filters} <= names
        assert ("Sort" in names) == bool(resource.sort)
        paged = resource.response_format is ResponseFormat.PAGED and resource.has_paging
        assert ("Offset" in names) == paged, resource.name
        opt_in = [each for each in listed.get("parameters", []) if each["name"] == "Fields"]
        assert bool(opt_in) == bool(resource.opt_in_fields)
        described = {without_names(f"{resource.path}/{{id}}")} & known.keys()
        assert bool(described) == (resource.id_parameter is not None), resource.name


@pytest.mark.parametrize("region", REGIONS)
def test_sandbox_lists_match_openapi(
    regions: dict[str, SandboxServer], description: Json, region: str
) -> None:
    sandbox, checks = regions[region], validators(description)
    client = Client(sandbox)
    found = []
    with client.session:
        for resource in RESOURCES:
            query: Json = (
                {"Fields": ",".join(resource.opt_in_fields)} if resource.opt_in_fields else {}
            )
            if resource.name == "matters":
                query["Type"] = "Matters,Leads"
            if resource.name == "events":
                query["From"] = "1990-01-01T00:00:00"
            for parent in parents(sandbox, resource):
                path = re.sub(r"{\w+}", str(parent), resource.path)
                response = client.get(path, **query)
                if resource.name == "archives" and response.status_code == 404:
                    continue
                assert response.status_code == 200, (path, response.text)
                content = without_accepted(resource, response.json())
                found += [(path, each) for each in schema_errors(checks[resource.path], content)]
    assert found == []


def test_sandbox_records_match_openapi(
    regions: dict[str, SandboxServer], description: Json
) -> None:
    sandbox, checks = regions["us"], validators(description)
    client = Client(sandbox)
    with client.session:
        for resource in RESOURCES:
            if resource.id_parameter is None:
                continue
            for entries in sandbox.control.rows(resource.name)[:20]:
                path = re.sub(r"{\w+}", str(entries["parent"]), resource.path)
                response = client.get(f"{path}/{entries['row']['id']}")
                assert response.status_code == 200, (path, response.text)
                content = without_accepted(resource, response.json())
                assert schema_errors(checks[templates(resource)[1]], content) == [], path


def detail_paths(sandbox: SandboxServer, resource: Resource) -> Iterator[str]:
    """Yield the paths of the records that are found by way of others."""
    if resource.parent is None:
        for entry in sandbox.control.rows(resource.name):
            yield f"{resource.path}/{entry['row']['id']}"
        return
    for entry in sandbox.control.rows(resource.parent):
        ids = (
            [entry["row"]["id"]]
            if entry["parent"] is None
            else [entry["parent"], entry["row"]["id"]]
        )
        path = resource.path
        for id_ in ids:
            path = re.sub(r"{\w+}", id_, path, count=1)
        yield path


@pytest.mark.parametrize("resource", DETAILS, ids=lambda resource: resource.name)
def test_sandbox_details_match_openapi(
    regions: dict[str, SandboxServer], description: Json, resource: Resource
) -> None:
    """Each response is valid, and together they have every property."""
    sandbox, found, values = regions["us"], [], []
    check = validators(description)[templates(resource)[-1]]
    client = Client(sandbox)
    with client.session:
        for path in detail_paths(sandbox, resource):
            response = client.get(path)
            assert response.status_code == 200, (path, response.text)
            content = without_accepted(resource, response.json())
            found += schema_errors(check, content)
            values.append(content)
    assert values
    assert found == []
    missing = unseen(description["components"]["schemas"], check.schema, values, "", set())
    envelope = {f".{name}" for name in ("id", "href", "value")}
    assert missing - envelope - UNSEEN_DETAILS.get(resource.name, set()) == set()


def unseen(
    schemas: Json, schema: Json, values: list[Any], path: str, ancestors: set[str]
) -> set[str]:
    """Return the declared properties at a path that none of the values has."""
    schema = schema["allOf"][0] if "allOf" in schema else schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in ancestors:
            return set()
        schema, ancestors = schemas[name], {*ancestors, name}
    if schema.get("type") == "array":
        inner = [each for value in values for each in value if each is not None]
        return unseen(schemas, schema["items"], inner, path, ancestors)
    missing = set()
    for name, inner_schema in schema.get("properties", {}).items():
        if name in {"relation", "method", "self"}:
            continue
        inner = [value[name] for value in values if name in value]
        if inner:
            missing |= unseen(schemas, inner_schema, inner, f"{path}.{name}", ancestors)
        else:
            missing.add(f"{path}.{name}")
    return missing


def test_sandbox_covers_openapi_properties(
    regions: dict[str, SandboxServer], description: Json
) -> None:
    schemas = description["components"]["schemas"]
    missing: set[str] = set()
    for stream in load(STREAMS)["streams"]:
        rows = [
            each["row"]
            for sandbox in regions.values()
            for each in sandbox.control.rows(stream["name"])
        ]
        schema = {"$ref": f"#/components/schemas/{stream['record']}"}
        missing |= unseen(schemas, schema, rows, stream["name"], set())
    assert sorted(missing - set(UNSEEN)) == []
    assert sorted(set(UNSEEN) - missing) == []
