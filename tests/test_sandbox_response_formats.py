"""Response formats of the sandbox's resources, and unusual values in records."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from smokeball_sandbox.areas import RESOURCES
from smokeball_sandbox.clock import Clock
from smokeball_sandbox.firm import Firm
from smokeball_sandbox.request_handler import RequestHandler
from smokeball_sandbox.resources import Resource, ResponseFormat, Router, Row
from smokeball_sandbox.settings import Settings
from smokeball_sandbox.store import Store
from tests.sandbox_client import (
    BY_NAME,
    NAMES,
    Client,
    Json,
    everything,
    full_sandbox,
    largest_parent,
    path_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

sandbox = full_sandbox


@pytest.mark.parametrize("response_format", list(ResponseFormat))
def test_handler_serves_response_format(response_format: ResponseFormat) -> None:
    def generate(_: Firm, __: Row | None) -> list[Row]:
        return [Row({"id": "a", "big": 1}, 5)]

    resource = Resource(
        name="things",
        path="/things",
        scope="things/read",
        generate=generate,
        create=None,
        mark_updated=lambda _, __: None,
        mark_deleted=dict.clear,
        response_format=response_format,
        rows_key="things" if response_format is ResponseFormat.WRAPPED else "value",
        opt_in_fields=("big",),
    )
    store = Store(Firm("http://x", matters=1), Clock(), [resource])
    route = Router([resource]).find("/things")
    assert route is not None
    body = json.loads(
        RequestHandler(store, Settings()).respond(route, "/things", b"", frozenset()).body
    )
    if response_format is ResponseFormat.PAGED:
        assert body["value"] == [{"id": "a"}]
        assert body["size"] == 1
    else:
        assert (
            body
            == {
                ResponseFormat.VALUE: {"value": [{"id": "a"}]},
                ResponseFormat.ARRAY: [{"id": "a"}],
                ResponseFormat.OBJECT: {"id": "a"},
                ResponseFormat.WRAPPED: {"things": [{"id": "a"}]},
            }[response_format]
        )


@pytest.mark.parametrize("name", NAMES)
def test_list_uses_declared_response_format(
    client: Client, entries: dict[str, list[Json]], name: str
) -> None:
    resource = BY_NAME[name]
    parent = largest_parent(entries, name)
    count = sum(each["parent"] == parent for each in entries[name])
    response = client.get(path_of(resource, parent), **everything(name))
    assert response.status_code == 200
    content = response.json()
    if resource.response_format is ResponseFormat.ARRAY:
        found = len(content)
    elif resource.response_format is ResponseFormat.OBJECT:
        found = 1
        assert "value" not in content
    elif resource.response_format is ResponseFormat.PAGED:
        found = content["size"]
        assert len(content["value"]) == min(found, 500)
    else:
        found = len(content[resource.rows_key])
        assert "size" not in content
    hidden = sum(each["row"].get("isDeleted", False) for each in entries[name])
    assert found == (1 if resource.build_tree else count - hidden * resource.should_hide_deleted)


@pytest.mark.parametrize("name", [each.name for each in RESOURCES if each.id_parameter])
def test_rows_are_readable_by_id(client: Client, entries: dict[str, list[Json]], name: str) -> None:
    resource = BY_NAME[name]
    for each in entries[name][:5]:
        response = client.get(f"{path_of(resource, each['parent'])}/{each['row']['id']}")
        assert response.status_code == 200
        if resource.build_tree is None:
            left_out = set(resource.opt_in_fields) - set(resource.by_id_fields)
            assert response.json().keys() == each["row"].keys() - left_out
    missing = client.get(f"{path_of(resource, entries[name][0]['parent'])}/unknown")
    assert missing.status_code == 404


def test_pages_form_complete_lists(client: Client, entries: dict[str, list[Json]]) -> None:
    for resource in RESOURCES:
        if resource.response_format is not ResponseFormat.PAGED or resource.build_tree:
            continue
        path = path_of(resource, largest_parent(entries, resource.name))
        query = everything(resource.name)
        whole = client.page(path, **query)
        limit = max(1, whole["size"] // 3)
        assert client.walk(path, limit, **query)[: len(whole["value"])] == whole["value"]


def test_undeclared_paging_can_be_disabled(client: Client) -> None:
    whole = client.page("/groups")
    assert client.page("/groups", Limit=1)["value"] == whole["value"][:1]
    client.sandbox.control.settings(undeclared_paging=False)
    page = client.page("/groups", Limit=1, Offset=3)
    assert page["value"] == whole["value"]
    assert page["size"] == len(whole["value"])
    assert not {"offset", "limit", "next"} & page.keys()
    assert len(client.page("/stages", Limit=1)["value"]) == 1


def test_roles_envelope_has_matter_and_version(
    client: Client, entries: dict[str, list[Json]]
) -> None:
    parent = largest_parent(entries, "matter_roles")
    response = client.page(f"/matters/{parent}/roles")
    assert response["matterId"] == parent
    assert response["versionId"]
    assert len(response["roles"]) >= 3
    assert any("contact" not in role for role in response["roles"])


def test_folder_tree_holds_each_item_once(client: Client, entries: dict[str, list[Json]]) -> None:
    matter = largest_parent(entries, "folders")
    path = f"/matters/{matter}/documents/folders"
    found: Json = {"folders": [], "files": []}
    waiting: list[str | None] = [None]
    while waiting:
        folder = waiting.pop()
        page = client.page(path if folder is None else f"{path}/{folder}")
        (listing,) = page["value"]
        assert listing.get("id") == folder
        assert ("name" in page) == (folder is not None)
        for name in found:
            found[name] += listing[name]
        waiting += [each["id"] for each in listing["folders"]]
        assert all(each.get("parentId") == folder for each in listing["folders"])
    for name in found:
        expected = {each["row"]["id"] for each in entries[name] if each["parent"] == matter}
        assert sorted(each["id"] for each in found[name]) == sorted(expected)
    assert client.page(path, Offset=1)["value"] == []
    assert client.get(f"{path}/unknown").status_code == 404


def test_archives_exist_for_some_closed_matters(
    client: Client, entries: dict[str, list[Json]], rows: dict[str, list[Json]]
) -> None:
    archived = {each["parent"]: each["row"] for each in entries["archives"]}
    for matter in rows["matters"]:
        response = client.get(f"/matters/{matter['id']}/archive")
        assert response.status_code == (200 if matter["id"] in archived else 404)
    assert archived
    statuses = {row["id"]: row["status"] for row in rows["matters"]}
    assert {statuses[id_] for id_ in archived} == {"Closed"}
    assert {row["destroyDate"] == "0001-01-01T00:00:00" for row in archived.values()} == {
        True,
        False,
    }


def test_detail_fields_appear_only_by_id(client: Client) -> None:
    for path, names in (("/mattertypes", {"items"}), ("/layouts", {"description", "fields"})):
        row = client.page(path)["value"][0]
        single = client.page(f"{path}/{row['id']}")
        assert single.keys() - row.keys() == names


def test_sandbox_records_contain_no_null(rows: dict[str, list[Json]]) -> None:
    def values(node: Any) -> Iterator[Any]:
        yield node
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        for each in inner:
            yield from values(each)

    unnamed = sum(row.get("representatives") == [None] for row in rows["matter_roles"])
    assert unnamed
    assert list(values(list(rows.values()))).count(None) == unnamed


def test_records_keep_awkward_api_formats(rows: dict[str, list[Json]]) -> None:
    files = rows["files"]
    assert not any("." in row["name"] for row in files)
    for name in ("folder", "dateModified"):
        assert {name in row for row in files} == {True, False}
    assert {row["ownerId"].startswith("S2S_") for row in files} == {True, False}
    assert {type(row["eventType"]) for row in rows["events"] if "eventType" in row} == {int, str}
    assert all(re.fullmatch(r"[\d-]{10}T[\d:]{8}", row["startTime"]) for row in rows["events"])
    assert all(
        row["dueDateOnly"].endswith("T00:00:00") for row in rows["tasks"] if "dueDateOnly" in row
    )
    assert {len(row["assignees"]) for row in rows["tasks"] if "assignees" in row} == {0, 1}
    assert all(row["text"].startswith(r"{\rtf1") for row in rows["memos"])
    assert all("rtf" not in row["plainText"] for row in rows["memos"])
    assert not any("Z" in row["lastUpdated"] for row in rows["events"])
    assert {"lastUpdated" in row for row in rows["matter_balances"]} == {True, False}
    keys = [value["key"] for row in rows["matter_layouts"] for value in row["values"]]
    assert "Providers[0]/Invoices[1]/Amount" in keys
    assert {len(row["values"]) for row in rows["matter_layouts"]} >= {3, 5}
    assert any(re.search(r"\.\d{7}Z$", row["enteredDate"]) for row in rows["transactions"])
    unset = [row for row in rows["invoices"] if row.get("paidDate") == "0001-01-01T00:00:00"]
    assert unset
    assert any("paidDate" not in row for row in rows["invoices"])
