"""The sandbox's commands, for each of its resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smokeball_sandbox import ControlError, SandboxServer
from smokeball_sandbox.areas import RESOURCES
from smokeball_sandbox.clock import iso
from tests.sandbox_client import BY_NAME, NAMES, Client, cents, everything, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_MARK = {each.name for each in RESOURCES if each.bury is None}


@pytest.fixture(scope="module")
def playground() -> Iterator[Client]:
    """A client of a firm that many tests change, each of them some other resource."""
    with SandboxServer(matters=15) as sandbox:
        client = Client(sandbox)
        with client.session:
            yield client


@pytest.mark.parametrize("name", NAMES)
def test_every_command_works_for_every_resource(playground: Client, name: str) -> None:
    control, resource = playground.sandbox.control, BY_NAME[name]
    kept = control.rows(name)
    parent = kept[0]["parent"] if kept else control.rows(str(resource.parent))[0]["row"]["id"]
    if resource.create is None:
        with pytest.raises(ControlError):
            control.add(name)
    else:
        added = control.add(name, parent=parent)
        assert len(control.rows(name)) == len(kept) + 1
        assert added["updated"] > max((each["updated"] for each in kept), default=0)
        key = added["row"].get("id") or added["row"]["matter"]["id"]
        touched = control.touch(name, key, parent=parent, set={"href": "elsewhere"})
        assert touched["row"]["href"] == "elsewhere"
        assert touched["updated"] >= added["updated"]
        control.delete(name, key, parent=parent, hard=True)
        assert len(control.rows(name)) == len(kept)
    touched = control.touch(name, nth=0, parent=parent, set={"href": "there"})
    assert touched in control.rows(name)
    if name in NO_MARK:
        with pytest.raises(ControlError):
            control.delete(name, nth=0, parent=parent)
    else:
        buried = control.delete(name, nth=0, parent=parent)
        assert len(control.rows(name)) == len(kept)
        again = dict(buried["row"])
        assert resource.bury is not None
        resource.bury(again)
        assert again == buried["row"]
    template = f"GET {resource.path}"
    control.fail(template=template, status=500)
    path = path_of(resource, parent)
    assert playground.get(path).status_code == 500
    touch = {"command": "touch", "resource": name, "nth": 0, "parent": parent, "set": {"href": "x"}}
    control.script(template, [touch])
    assert playground.get(path).status_code == 200
    assert sum(each["row"].get("href") == "x" for each in control.rows(name)) == 1


def test_a_changed_row_is_found_by_its_filter(changing: Client) -> None:
    control = changing.sandbox.control
    for resource in RESOURCES:
        for filter_ in resource.date_filters:
            row = control.rows(resource.name)[0]
            parent = row["parent"]
            stamp = control.touch(resource.name, nth=0, parent=parent)["updated"]
            since = stamp // 10_000_000 * 10_000_000
            texts = {"ticks": str(since), "iso": iso(since), "iso-no-zone": iso(since)[:-1]}
            query = {**everything(resource.name), filter_.name: texts[filter_.dialect]}
            page = changing.page(path_of(resource, parent), **query)
            assert page["size"] == 1, (resource.name, filter_)


def test_the_embedded_balances_follow_the_endpoint(changing: Client) -> None:
    control = changing.sandbox.control
    kept = control.rows("matter_balances")[0]
    control.touch(
        "matter_balances", nth=0, parent=kept["parent"], set={"balance": 1.25, "note": "new"}
    )
    account = changing.page(f"/bankaccounts/{kept['parent']}")
    listed = changing.page(f"/bankaccounts/{kept['parent']}/matter-balances")["value"]
    assert account["matterBalances"] == listed
    assert cents(account["balance"]) == sum(cents(each["balance"]) for each in listed)


def test_an_added_subtask_is_listed_by_its_task(changing: Client) -> None:
    task = next(row for row in changing.page("/tasks")["value"] if "subTasks" not in row)
    added = changing.sandbox.control.add("subtasks", parent=task["id"])["row"]
    assert [each["id"] for each in changing.page(f"/tasks/{task['id']}")["subTasks"]] == [
        added["id"]
    ]
    assert changing.page(f"/tasks/{task['id']}/subtasks")["value"] == [added]
