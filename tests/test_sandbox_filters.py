"""Filters, searches and sort orders of the sandbox's resources."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from smokeball_sandbox.areas import RESOURCES
from smokeball_sandbox.clock import EPOCH_TICKS, iso
from tests.sandbox_client import (
    ALL_TIME,
    BY_NAME,
    Client,
    Json,
    everything,
    full_sandbox,
    largest_parent,
    path_of,
)

sandbox = full_sandbox


@pytest.mark.parametrize(
    ("name", "parameter", "date_format"),
    [
        (each.name, filter_.name, filter_.date_format)
        for each in RESOURCES
        for filter_ in each.date_filters
    ],
)
def test_date_filter_accepts_only_its_format(
    client: Client, entries: dict[str, list[Json]], name: str, parameter: str, date_format: str
) -> None:
    resource, parent = BY_NAME[name], largest_parent(entries, name)
    listed = [each for each in entries[name] if each["parent"] == parent]
    updates = sorted(each["updated"] for each in listed)
    since = updates[len(updates) // 2] // 10_000_000 * 10_000_000
    written = {"ticks": str(since), "iso": iso(since), "iso-no-zone": iso(since)[:-1]}
    path, query = path_of(resource, parent), everything(name)
    expected = sum(updated >= since for updated in updates)
    assert client.page(path, **query, **{parameter: written[date_format]})["size"] == expected
    wrong: Json = {"ticks": iso(since), "iso": str(since), "iso-no-zone": iso(since)}
    response = client.get(path, **{**query, parameter: wrong[date_format]})
    assert response.status_code == 400
    assert response.json()["errors"][0]["name"] == parameter


def test_events_start_now_by_default(client: Client, rows: dict[str, list[Json]]) -> None:
    everything = client.page("/events", **ALL_TIME)
    assert everything["size"] == len(rows["events"])
    coming = client.page("/events")["value"]
    assert 0 < len(coming) < everything["size"]
    first = min(row["startTime"] for row in coming)
    assert [row for row in everything["value"] if row["startTime"] >= first] == coming
    fresh = client.page("/events", UpdatedSince=EPOCH_TICKS)["value"]
    assert fresh == coming
    client.sandbox.control.settings(clock_offset_seconds=-20 * 365 * 86_400)
    client.sign_in()
    assert client.page("/events")["size"] == everything["size"]
    client.sandbox.control.settings(clock_offset_seconds=30 * 365 * 86_400)
    client.sign_in()
    assert client.page("/events")["size"] == 0
    until = client.page("/events", **ALL_TIME, To="2025-01-01T00:00:00")["value"]
    assert until == [r for r in everything["value"] if r["startTime"] <= "2025-01-01T00:00:00"]
    for wrong in ("2000-01-01T20:00:00Z", "630823536000000000", "yesterday"):
        assert client.get("/events", From=wrong).status_code == 400


def test_deleted_rows_are_listed_by_default(client: Client) -> None:
    cases: tuple[tuple[str, str, Json], ...] = (
        ("/events", "ExcludeDeletedEvents", ALL_TIME),
        ("/contacts", "ExcludeDeletedContacts", {}),
    )
    for path, parameter, query in cases:
        rows = client.page(path, **query)["value"]
        assert any(row["isDeleted"] for row in rows)
        rest = client.page(path, **query, **{parameter: "true"})["value"]
        assert rest == [row for row in rows if not row["isDeleted"]]
        assert client.page(path, **query, **{parameter: "false"})["value"] == rows
    for path in ("/referraltypes", "/stagesets", "/activitycodes", "/groups"):
        assert any(row["isDeleted"] for row in client.page(path)["value"])


def test_matter_type_filters_select_rows(client: Client) -> None:
    rows = client.page("/mattertypes")["value"]
    assert len(rows) == 160
    places = Counter(row["location"] for row in rows)
    assert set(places.values()) == {40}
    assert all(row["id"].endswith(f"_{row['location']}") for row in rows)
    assert all(row["href"].endswith(f"/{row['id'].lower()}") for row in rows)
    cases: list[tuple[Json, Any]] = [
        ({"Location": "ny"}, lambda row: row["location"] == "NY"),
        ({"Name": "PURCHASE"}, lambda row: "purchase" in row["name"].lower()),
        ({"Category": "Business"}, lambda row: row["category"] == "Business"),
        ({"Type": 1}, lambda row: row["type"] == 1),
        ({"Type": 0, "Location": "TX"}, lambda r: r["type"] == 0 and r["location"] == "TX"),
    ]
    for query, test in cases:
        expected = [row for row in rows if test(row)]
        assert client.page("/mattertypes", **query)["value"] == expected
        assert expected
    assert client.get("/mattertypes", Type=2).status_code == 400


def test_deleted_matter_types_are_not_listed(mutable_client: Client) -> None:
    control = mutable_client.sandbox.control
    gone = control.delete("matter_types", nth=3)["row"]["id"]
    assert gone not in mutable_client.ids("/mattertypes")
    assert mutable_client.page(f"/mattertypes/{gone}")["isDeleted"] is True


def test_contact_filters_select_rows_and_blocks(client: Client) -> None:
    plain = client.page("/contacts")["value"]
    blocks = set(BY_NAME["contacts"].opt_in_fields)
    for row in plain:
        assert not blocks & row.keys()
        assert not blocks & row.get("person", {}).keys()
    asked = client.page("/contacts", Fields="tags,passportDetails")["value"]
    assert any("tags" in row for row in asked)
    people = [row["person"] for row in asked if "person" in row]
    assert any("passportDetails" in person for person in people)
    assert not any("deathDetails" in person for person in people)
    assert client.get("/contacts", Fields="secrets").status_code == 400
    kinds = {"Organisation": "company", "GroupOfPeople": "groupOfPeople", "Trust": "trust"}
    for kind, block in kinds.items():
        rows = client.page("/contacts", Type=kind)["value"]
        assert rows == [row for row in plain if block in row]
    both = client.page("/contacts", Type=["Person", "Staff"])["value"]
    assert both == [row for row in plain if "person" in row]
    assert 0 < client.page("/contacts", Type="Staff")["size"] < len(both)
    person = next(row["person"] for row in plain if "email" in row.get("person", {}))
    found = client.page("/contacts", Search=f"email:{person['email'].upper()}")["value"]
    assert person in [row.get("person") for row in found]
    names = client.page("/contacts", Search=f"name:*{person['lastName']}* AND email:*@*")
    assert person in [row.get("person") for row in names["value"]]
    assert client.get("/contacts", Search=person["lastName"]).status_code == 400
    rising = client.page("/contacts", Sort="asc(lastUpdated)")["value"]
    assert rising == sorted(plain, key=lambda row: row["lastUpdated"])


def test_staff_rate_requires_opt_in(client: Client) -> None:
    assert not any("rate" in row for row in client.page("/staff")["value"])
    assert all("rate" in row for row in client.page("/staff", Fields="rate")["value"])


def test_matter_and_type_filters_select_rows(client: Client, rows: dict[str, list[Json]]) -> None:
    for path, name in (("/tasks", "tasks"), ("/events", "events")):
        query = everything(name)
        whole = client.page(path, **query)["value"]
        matter = next(row["matter"]["id"] for row in whole if "matter" in row)
        expected = [row for row in whole if row.get("matter", {}).get("id") == matter]
        assert client.page(path, **query, MatterId=matter)["value"] == expected
    done = client.page("/tasks", IsCompleted="true")["size"]
    assert 0 < done < len(rows["tasks"])
    assert client.page("/tasks", IsCompleted="false")["size"] == len(rows["tasks"]) - done
    trust = client.page("/bankaccounts", type="Trust")["value"]
    assert {row["type"] for row in trust} == {"Trust"}
    for row in trust:
        base = f"/bankaccounts/{row['id']}"
        for held in row["matterBalances"][:3]:
            matter = held["matter"]["id"]
            holders = client.page("/bankaccounts", matterId=matter, type="Trust")["value"]
            assert row in holders
            assert client.page(f"{base}/matter-balances", MatterId=matter)["value"] == [held]
            moved = client.page(f"{base}/transactions", MatterId=matter)["value"]
            assert {each["matter"]["id"] for each in moved} == {matter}
    assert client.page("/bankaccounts", matterId="none")["value"] == []
    assert client.get("/bankaccounts", type="Piggy").status_code == 400
    form = client.page("/intake/forms")["value"][0]
    kind = form["matterTypes"][0]["id"]
    assert form in client.page("/intake/forms", matterTypeId=kind)["value"]
    assert client.page("/intake/forms", matterTypeId="none")["value"] == []


def test_files_are_sorted_by_creation_date(client: Client, entries: dict[str, list[Json]]) -> None:
    path = f"/matters/{largest_parent(entries, 'files')}/documents/files"
    rows = client.page(path)["value"]
    made = [row["dateCreated"] for row in rows]
    assert made == sorted(made)
    falling = client.page(path, Sort="desc(dateCreated)")["value"]
    assert [row["dateCreated"] for row in falling] == made[::-1]
    extension = rows[0]["fileExtension"]
    found = client.page(path, Search=f"fileExtension:{extension}")["value"]
    assert found == [row for row in rows if row["fileExtension"] == extension]
