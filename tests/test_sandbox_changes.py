"""Rows of the sandbox that commands add, change and delete."""

from __future__ import annotations

import pytest

from smokeball_sandbox import ControlError, SandboxServer
from tests.sandbox_client import EVERYTHING, MATTERS, Client, update_times


def test_touch_changes_only_given_fee(client: Client, busy_matter: str) -> None:
    control, path = client.sandbox.control, f"/matters/{busy_matter}/fees"
    matters, fees = update_times(client.sandbox), update_times(client.sandbox, "fees")
    before = client.page(path)["value"][2]
    result = control.touch(
        "fees", nth=2, parent=busy_matter, set={"subject": "Moved", "activityCode": None}
    )
    after = client.page(path)["value"][2]
    assert result["row"] == after
    assert (after["id"], after["subject"]) == (before["id"], "Moved")
    assert "activityCode" not in after
    assert after["versionId"] != before["versionId"]
    now = update_times(client.sandbox, "fees")
    assert {id_ for id_, at in now.items() if fees[id_] != at} == {before["id"]}
    assert client.ids(path, UpdatedSince=max(fees.values()) + 1) == [before["id"]]
    assert update_times(client.sandbox) == matters
    control.touch("fees", before["id"], set={"subject": "By id"})
    assert client.page(f"{path}/{before['id']}")["subject"] == "By id"


def test_add_creates_readable_rows(client: Client) -> None:
    control = client.sandbox.control
    lead = control.add("matters", set={"isLead": True, "title": "New lead"})["row"]
    assert "number" not in lead
    assert lead["id"] in client.ids("/matters", Type="Leads")
    backdated = 638_000_000_000_000_000
    matter = control.add("matters", set={"title": "New"}, updated=backdated)
    assert (matter["updated"], matter["row"]["versionId"]) == (backdated, str(backdated))
    path = f"/matters/{matter['row']['id']}/fees"
    assert client.ids(path) == []
    fee = control.add("fees", parent=matter["row"]["id"], set={"amount": 12.34})["row"]
    assert client.page(path)["value"] == [fee]
    assert fee["matter"]["id"] == matter["row"]["id"]
    with pytest.raises(ControlError):
        control.add("fees", parent="unknown")
    for id_ in (lead["id"], matter["row"]["id"]):
        control.delete("matters", id_, hard=True)


def test_delete_flags_or_removes_row(client: Client, busy_matter: str) -> None:
    control, path = client.sandbox.control, f"/matters/{busy_matter}/fees"
    first, second = client.ids(path)[:2]
    control.touch("fees", first, set={"isDeleted": False})
    control.delete("fees", first)
    assert client.page(f"{path}/{first}")["isDeleted"] is True
    control.delete("fees", second, parent=busy_matter, hard=True)
    assert client.get(f"{path}/{second}").status_code == 404
    remaining = client.ids(path)
    assert first in remaining
    assert second not in remaining
    matter = control.add("matters")["row"]["id"]
    control.delete("matters", matter)
    assert client.page(f"/matters/{matter}")["status"] == "Deleted"
    assert matter in client.ids("/matters", Status="Deleted")
    control.delete("matters", matter, hard=True)
    assert matter not in client.ids("/matters")
    assert client.get(f"/matters/{matter}/fees").status_code == 404
    with pytest.raises(ControlError):
        control.delete("matters", matter)


def test_list_stays_empty_after_last_delete(client: Client) -> None:
    matter = client.sandbox.control.add("matters")["row"]["id"]
    fee = client.sandbox.control.add("fees", parent=matter)["row"]["id"]
    client.sandbox.control.delete("fees", fee, parent=matter, hard=True)
    assert client.ids(f"/matters/{matter}/fees") == []
    client.sandbox.control.delete("matters", matter, hard=True)


def test_convert_turns_lead_into_matter(client: Client) -> None:
    lead = client.page("/matters", Type="Leads")["value"][0]
    fees = client.ids(f"/matters/{lead['id']}/fees")
    client.sandbox.control.convert(lead["id"])
    row = client.page(f"/matters/{lead['id']}")
    assert row["isLead"] is False
    assert row["number"]
    assert "leadOpenedDate" not in row
    assert int(row["versionId"]) > int(lead["versionId"])
    assert lead["id"] in client.ids("/matters")
    assert client.ids(f"/matters/{lead['id']}/fees") == fees
    with pytest.raises(ControlError):
        client.sandbox.control.convert(lead["id"])


def test_scheduled_changes_run_between_pages(client: Client) -> None:
    control = client.sandbox.control
    with SandboxServer(matters=30) as sandbox:
        client, control = Client(sandbox), sandbox.control
        query = {**EVERYTHING, "Sort": "asc(lastUpdated)"}
        before = client.ids("/matters", **query)
        delete = {"command": "delete", "resource": "matters", "position": 0, "hard": True}
        control.schedule(MATTERS, [delete] * 5, nth=2)
        rows = [row["id"] for row in client.walk("/matters", 10, **query)]
        assert rows == before[:10] + before[15:]
        assert client.ids("/matters", **query) == before[5:]
        touch = {"command": "touch", "resource": "matters", "id": before[9], "set": {"title": "T"}}
        control.schedule(MATTERS, [touch], when="after")
        assert client.ids("/matters", **query)[-1] != before[9]
        assert client.ids("/matters", **query)[-1] == before[9]
        control.schedule(MATTERS, [{**delete, "position": 99}])
        assert client.get("/matters").status_code == 500
        client.session.close()
