"""The sandbox against the vendor's own description of the API, where that is at hand."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from smokeball_sandbox import SandboxServer
from smokeball_sandbox.areas import RESOURCES
from smokeball_sandbox.resources import Resource, Wrapper
from tests.sandbox_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

DESCRIPTION = Path(__file__).parent.parent.parent / "shared/smokeball/openapi.json"
STREAMS = DESCRIPTION.with_name("streams.json")
REGIONS = ("us", "au", "uk")
MATTERS = 40

pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason="the description is not at hand")

# What the API does otherwise than its description says (docs/smokeball.md).
HYPERMEDIA = {"rel", "etag"}
"""Samples and live answers name a link's relation so; the description says ``relation``."""
LEGACY = {
    # Gone from the description, still in the guide's samples and in live reads.
    "matters": {"clientIds", "otherSideIds", "personResponsibleStaffId"},
}
ALSO = {
    # Described as one transaction, though it takes Offset and Limit: served as a page.
    "transactions": {"$ref": "#/components/schemas/TransactionPagedCollection"},
}
RETYPED = {
    # An integer until 2026-05-28, and still so in what the description says in words.
    ("Event", "eventType"): {"type": ["string", "integer"]},
}
OPEN = {
    # An interface: only what roles and layouts share is described, and roles tell their contact.
    "IMatterItem",
}
# Formats are not checked: many date-times are dates, or without a zone, or have seven digits.

# Properties that no row has, and why.
_REGIONAL = "of another region than the object it would be in"
_NO_BOX = "a street address is no post office box"
_NESTED = "such a part of a record has no address of its own"
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


def plain(path: str) -> str:
    """A path template whatever its parameters are called."""
    return re.sub(r"{\w+}", "{}", path)


def operations(description: Json) -> dict[str, Json]:
    return {
        plain(path): item["get"] for path, item in description["paths"].items() if "get" in item
    }


def nullable(node: Any) -> Any:
    """The description's dialect of JSON Schema in that of the validator."""
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
    """A validator for the answer of each template."""
    schemas = nullable(description["components"]["schemas"])
    for (record, name), schema in RETYPED.items():
        schemas[record]["properties"][name] = schema
    for record in OPEN:
        schemas[record]["additionalProperties"] = True
    page = json.dumps(schemas["FeePagedCollection"]).replace("/Fee", "/Transaction")
    schemas["TransactionPagedCollection"] = json.loads(page)
    found = {}
    for resource in RESOURCES:
        for template in templates(resource):
            answer = operations(description)[plain(template)]["responses"]["200"]
            schema = nullable(answer["content"]["application/json"]["schema"])
            if template == resource.path:
                schema = ALSO.get(resource.name, schema)
            found[template] = Draft202012Validator({**schema, "components": {"schemas": schemas}})
    return found


def templates(resource: Resource) -> list[str]:
    by_id = [] if resource.by_id is None else [f"{resource.path}/{{{resource.by_id}}}"]
    return [resource.path, *by_id]


def forgiven(resource: Resource, node: Any) -> Any:
    """An answer less what it may have besides what is described."""
    if isinstance(node, list):
        return [forgiven(resource, each) for each in node]
    if not isinstance(node, dict):
        return node
    extra = HYPERMEDIA | LEGACY.get(resource.name, set())
    return {name: forgiven(resource, value) for name, value in node.items() if name not in extra}


def complaints(validator: Any, content: Any) -> list[str]:
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in validator.iter_errors(content)
    ][:5]


def parents(sandbox: SandboxServer, resource: Resource) -> list[str | None]:
    if resource.parent is None:
        return [None]
    return [each["row"]["id"] for each in sandbox.control.rows(resource.parent)]


def test_the_streams_are_those_of_the_list() -> None:
    streams = {each["name"]: each for each in load(STREAMS)["streams"]}
    assert [each.name for each in RESOURCES if each.name not in streams] == []
    assert len(RESOURCES) == len(streams) == 32
    for resource in RESOURCES:
        stream = streams[resource.name]
        assert (resource.path, resource.parent) == (stream["path"], stream["parent"])
        wrapper = "tree" if resource.tree else resource.wrapper.value
        assert wrapper == stream["wrapper"].partition(":")[0]
        dialects = {each.name: each.dialect for each in resource.date_filters}
        assert dialects.get(stream["filter"]) == stream["dialect"]


def test_paths_and_parameters_are_those_described(description: Json) -> None:
    known = operations(description)
    for resource in RESOURCES:
        listed = known[plain(resource.path)]
        names = {each["name"] for each in listed.get("parameters", []) if each["in"] == "query"}
        assert {each.name for each in resource.date_filters} <= names
        assert ("Sort" in names) == bool(resource.sort)
        paged = resource.wrapper is Wrapper.PAGED and resource.paging
        assert ("Offset" in names) == paged, resource.name
        opt_in = [each for each in listed.get("parameters", []) if each["name"] == "Fields"]
        assert bool(opt_in) == bool(resource.fields)
        described = {plain(f"{resource.path}/{{id}}")} & known.keys()
        assert bool(described) == (resource.by_id is not None), resource.name


@pytest.mark.parametrize("region", REGIONS)
def test_every_answer_is_as_described(
    regions: dict[str, SandboxServer], description: Json, region: str
) -> None:
    sandbox, checks = regions[region], validators(description)
    client = Client(sandbox)
    found = []
    with client.session:
        for resource in RESOURCES:
            query: Json = {"Fields": ",".join(resource.fields)} if resource.fields else {}
            if resource.name == "matters":
                query["Type"] = "Matters,Leads"
            if resource.name == "events":
                query["From"] = "1990-01-01T00:00:00"
            for parent in parents(sandbox, resource):
                path = re.sub(r"{\w+}", str(parent), resource.path)
                answer = client.get(path, **query)
                if resource.name == "archives" and answer.status_code == 404:
                    continue
                assert answer.status_code == 200, (path, answer.text)
                content = forgiven(resource, answer.json())
                found += [(path, each) for each in complaints(checks[resource.path], content)]
    assert found == []


def test_every_single_row_is_as_described(
    regions: dict[str, SandboxServer], description: Json
) -> None:
    sandbox, checks = regions["us"], validators(description)
    client = Client(sandbox)
    with client.session:
        for resource in RESOURCES:
            if resource.by_id is None:
                continue
            for kept in sandbox.control.rows(resource.name)[:20]:
                path = re.sub(r"{\w+}", str(kept["parent"]), resource.path)
                answer = client.get(f"{path}/{kept['row']['id']}")
                assert answer.status_code == 200, (path, answer.text)
                content = forgiven(resource, answer.json())
                assert complaints(checks[templates(resource)[1]], content) == [], path


def unseen(schemas: Json, schema: Json, values: list[Any], path: str, above: set[str]) -> set[str]:
    """The described properties below a place in a record that none of its values has."""
    schema = schema["allOf"][0] if "allOf" in schema else schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in above:
            return set()
        schema, above = schemas[name], {*above, name}
    if schema.get("type") == "array":
        inner = [each for value in values for each in value]
        return unseen(schemas, schema["items"], inner, path, above)
    missing = set()
    for name, inner_schema in schema.get("properties", {}).items():
        if name in {"relation", "method", "self"}:
            continue
        inner = [value[name] for value in values if name in value]
        if inner:
            missing |= unseen(schemas, inner_schema, inner, f"{path}.{name}", above)
        else:
            missing.add(f"{path}.{name}")
    return missing


def test_every_described_property_is_exercised(
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
