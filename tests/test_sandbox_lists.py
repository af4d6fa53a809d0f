"""The sandbox's lists of matters and fees: pages, filters and sort order."""

from __future__ import annotations

from typing import Any

import pytest

from smokeball_sandbox.clock import EPOCH_TICKS
from tests.sandbox_client import EVERYTHING, MATTERS, Client, Document, update_times


def test_matters_envelope_links_pages(client: Client) -> None:
    page = client.page("/matters", Limit=10, offset=20, Type="Matters")
    assert (page["offset"], page["limit"], len(page["value"])) == (20, 10, 10)
    assert page["size"] == len(client.ids("/matters"))
    assert page["href"] == f"{client.url}/matters"
    assert page["next"]["href"] == f"{client.url}/matters?Type=Matters&limit=10&offset=30"
    assert page["previous"]["href"].endswith("limit=10&offset=10")
    assert page["first"]["href"].endswith("limit=10&offset=0")
    final = client.session.get(page["last"]["href"], timeout=10).json()
    assert final["offset"] + len(final["value"]) == final["size"]
    assert "next" not in final
    whole = client.page("/matters")
    assert whole["limit"] == 500
    assert "next" not in whole
    assert "previous" not in whole
    assert client.page("/matters", Offset=5000)["value"] == []


def test_matter_pages_form_complete_list(client: Client) -> None:
    rows = client.walk("/matters", 7, **EVERYTHING)
    assert [row["id"] for row in rows] == client.ids("/matters", **EVERYTHING)
    assert len(rows) == 120


def test_matters_list_hides_leads_by_default(client: Client) -> None:
    matters, leads = (
        client.page("/matters")["value"],
        client.page("/matters", Type="Leads")["value"],
    )
    assert not any(row["isLead"] for row in matters)
    assert leads
    assert all(row["isLead"] for row in leads)
    assert client.ids("/matters", IsLead="true") == [row["id"] for row in leads]
    assert client.ids("/matters", IsLead="false") == [row["id"] for row in matters]
    assert client.page("/matters", type="Leads,Matters")["size"] == 120


def test_matter_blocks_require_opt_in(client: Client) -> None:
    for asked in ("items", "tags", "items,tags"):
        rows = client.page("/matters", Fields=asked)["value"]
        for name in ("items", "tags"):
            assert all((name in row) == (name in asked) for row in rows)
    row = client.page("/matters")["value"][0]
    assert not {"items", "tags"} & row.keys()
    single = client.page(f"/matters/{row['id']}")
    assert "items" in single
    assert "tags" not in single


def test_fee_by_id_equals_listed_fee(client: Client, busy_matter: str) -> None:
    fee = client.page(f"/matters/{busy_matter}/fees")["value"][0]
    assert client.page(f"/matters/{busy_matter}/fees/{fee['id']}") == fee


def test_matter_filters_select_rows(client: Client) -> None:
    rows = client.page("/matters", **EVERYTHING)["value"]

    def matching(**query: Any) -> list[str]:
        return client.ids("/matters", **EVERYTHING, **query)

    wanted = ["Closed", "Pending"]
    assert matching(Status=wanted) == [row["id"] for row in rows if row["status"] in wanted]
    kind = rows[0]["matterType"]["id"]
    same = [row["id"] for row in rows if row["matterType"]["id"] == kind]
    assert matching(MatterTypeId=kind) == same
    assert rows[0]["id"] in matching(ContactId=rows[0]["clients"][0]["id"])
    named = next(row for row in rows if "number" in row)
    assert matching(Search=named["number"].lower()) == [named["id"]]
    assert matching(Search="number:*x*") == []


def test_matter_date_filters_select_rows(client: Client) -> None:
    changed = update_times(client.sandbox)
    for row in client.page("/matters", **EVERYTHING)["value"]:
        assert row["versionId"] == str(changed[row["id"]])
    middle = sorted(changed.values())[60]

    def since(**query: Any) -> set[str]:
        return set(client.ids("/matters", **EVERYTHING, **query))

    assert since(UpdatedSince=middle) == {id_ for id_, at in changed.items() if at >= middle}
    client.sandbox.control.settings(inclusive=False)
    assert since(UpdatedSince=middle) == {id_ for id_, at in changed.items() if at > middle}
    timestamp = "2024-01-01T00:00:00"
    ticks = EPOCH_TICKS + 1_704_067_200 * 10_000_000
    expected = {id_ for id_, at in changed.items() if at > ticks}
    for text in (timestamp, f"{timestamp}Z", "2024-01-01T02:00:00+02:00"):
        assert since(LastUpdated=text) == expected
    assert 0 < len(expected) < 120


def test_matters_sort_by_given_fields(client: Client) -> None:
    changed = update_times(client.sandbox)
    plain = client.ids("/matters", **EVERYTHING)
    rising = client.ids("/matters", Sort="asc(lastUpdated)", **EVERYTHING)
    assert rising == sorted(plain, key=changed.__getitem__)
    assert plain != rising
    assert client.ids("/matters", Sort="desc(lastUpdated)", **EVERYTHING) == rising[::-1]
    rows = client.page("/matters", Sort="asc(status),desc(lastUpdated)")["value"]
    keys = [(row["status"], -int(row["versionId"])) for row in rows]
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    "query",
    [
        {"Limit": 0},
        {"Limit": 501},
        {"limit": "ten"},
        {"Offset": -1},
        {"offset": 2_147_483_648},
        {"Type": "Matters,Folders"},
        {"IsLead": "perhaps"},
        {"Sort": "asc(number)"},
        {"Sort": "lastUpdated"},
        {"Fields": "items,secrets"},
        {"UpdatedSince": "2024-01-01T00:00:00Z"},
        {"UpdatedSince": 9_000_000_000_000_000_000},
        {"LastUpdated": "2024-01-01T00:00:00.5Z"},
        {"LastUpdated": "2024-02-31T00:00:00Z"},
        {"LastUpdated": "638000000000000000"},
        {"LastUpdated": "2024-01-01T00:00:00Z", "UpdatedSince": 638_000_000_000_000_000},
    ],
)
def test_invalid_query_returns_problem_document(client: Client, query: Document) -> None:
    response = client.get("/matters", **query)
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == 400
    assert problem["errors"]
    assert all(isinstance(error, dict) for error in problem["errors"])
    names = {name.lower() for name in query}
    assert {error["name"].lower() for error in problem["errors"]} <= names


def test_fees_filter_accepts_only_ticks(client: Client, busy_matter: str) -> None:
    path = f"/matters/{busy_matter}/fees"
    everything = client.page(path)
    assert everything["size"] > 5
    assert "lastUpdated" not in everything["value"][0]
    changed = update_times(client.sandbox, "fees")
    middle = sorted(changed[row["id"]] for row in everything["value"])[3]
    fresh = {row["id"] for row in everything["value"] if changed[row["id"]] >= middle}
    assert set(client.ids(path, updatedsince=middle)) == fresh
    assert client.ids(path, UpdatedSince=max(changed.values()) + 1) == []
    response = client.get(path, UpdatedSince="2024-01-01T00:00:00Z")
    assert (response.status_code, response.json()["errors"][0]["name"]) == (400, "UpdatedSince")
    assert client.page(path, Limit=2, Offset=1)["value"] == everything["value"][1:3]


def test_paging_settings_change_size_and_pages(client: Client) -> None:
    settings = client.sandbox.control.settings
    for size, expected in (("right", 120), (5, 125), (-5, 115), ("zero", 0), ("missing", None)):
        settings(size=size)
        assert client.page("/matters", **EVERYTHING).get("size") == expected
    settings(max_page=3)
    page = client.page("/matters", Limit=10)
    assert (page["limit"], len(page["value"])) == (10, 3)
    assert page["next"]["href"].endswith("limit=10&offset=3")
    settings(max_page=None, repeat_pages=[MATTERS])
    assert client.ids("/matters", Limit=4, Offset=8) == client.ids("/matters", Limit=4)
