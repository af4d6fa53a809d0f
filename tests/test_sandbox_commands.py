"""The sandbox's row commands, for each resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smokeball_sandbox import ControlError, SandboxServer
from smokeball_sandbox.areas import RESOURCES
from smokeball_sandbox.clock import iso
from tests.sandbox_client import BY_NAME, NAMES, Client, cents, everything, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHOUT_DELETED_FLAG = {each.name for each in RESOURCES if each.mark_deleted is None}


@pytest.fixture(scope="module")
def shared_client() -> Iterator[Client]:
    """Return a client of one firm; each test changes another resource."""
    with SandboxServer(matters=15) as sandbox:
        client = Client(sandbox)
        with client.session:
            yield client


@pytest.mark.parametrize("name", NAMES)
def test_row_commands_work_for_resource(shared_client: Client, name: str) -> None:
    control, resource = shared_client.sandbox.control, BY_NAME[name]
    entries = control.rows(name)
    parent = entries[0]["parent"] if entries else control.rows(str(resource.parent))[0]["row"]["id"]
    if resource.create is None:
        with pytest.raises(ControlError):
            control.add(name)
    else:
        added = control.add(name, parent=parent)
        assert len(control.rows(name)) == len(entries) + 1
        assert added["updated"] > max((each["updated"] for each in entries), default=0)
        key = added["row"].get("id") or added["row"]["matter"]["id"]
        touched = control.touch(name, key, parent=parent, set={"href": "elsewhere"})
        assert touched["row"]["href"] == "elsewhere"
        assert touched["updated"] >= added["updated"]
        control.delete(name, key, parent=parent, hard=True)
        assert len(control.rows(name)) == len(entries)
    touched = control.touch(name, nth=0, parent=parent, set={"href": "there"})
    assert touched in control.rows(name)
    if name in WITHOUT_DELETED_FLAG:
        with pytest.raises(ControlError):
            control.delete(name, nth=0, parent=parent)
    else:
        deleted = control.delete(name, nth=0, parent=parent)
        assert len(control.rows(name)) == len(entries)
        again = dict(deleted["row"])
        assert resource.mark_deleted is not None
        resource.mark_deleted(again)
        assert again == deleted["row"]
    template = f"GET {resource.path}"
    control.fail(template=template, status=500)
    path = path_of(resource, parent)
    assert shared_client.get(path).status_code == 500
    touch = {"command": "touch", "resource": name, "nth": 0, "parent": parent, "set": {"href": "x"}}
    control.schedule(template, [touch])
    assert shared_client.get(path).status_code == 200
    assert sum(each["row"].get("href") == "x" for each in control.rows(name)) == 1


def test_date_filter_finds_touched_row(mutable_client: Client) -> None:
    control = mutable_client.sandbox.control
    for resource in RESOURCES:
        for filter_ in resource.date_filters:
            row = control.rows(resource.name)[0]
            parent = row["parent"]
            updated = control.touch(resource.name, nth=0, parent=parent)["updated"]
            since = updated // 10_000_000 * 10_000_000
            texts = {"ticks": str(since), "iso": iso(since), "iso-no-zone": iso(since)[:-1]}
            query = {**everything(resource.name), filter_.name: texts[filter_.date_format]}
            page = mutable_client.page(path_of(resource, parent), **query)
            assert page["size"] == 1, (resource.name, filter_)


def test_account_balances_match_balance_list(mutable_client: Client) -> None:
    control = mutable_client.sandbox.control
    entries = control.rows("matter_balances")[0]
    control.touch(
        "matter_balances", nth=0, parent=entries["parent"], set={"balance": 1.25, "note": "new"}
    )
    account = mutable_client.page(f"/bankaccounts/{entries['parent']}")
    listed = mutable_client.page(f"/bankaccounts/{entries['parent']}/matter-balances")["value"]
    assert account["matterBalances"] == listed
    assert cents(account["balance"]) == sum(cents(each["balance"]) for each in listed)


def test_added_subtask_appears_in_task(mutable_client: Client) -> None:
    task = next(row for row in mutable_client.page("/tasks")["value"] if "subTasks" not in row)
    added = mutable_client.sandbox.control.add("subtasks", parent=task["id"])["row"]
    assert [each["id"] for each in mutable_client.page(f"/tasks/{task['id']}")["subTasks"]] == [
        added["id"]
    ]
    assert mutable_client.page(f"/tasks/{task['id']}/subtasks")["value"] == [added]
