"""What the sandbox promises, over HTTP as a client sees it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from decimal import ROUND_HALF_UP, Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from smokeball_sandbox import ControlError, SandboxServer
from smokeball_sandbox.clock import EPOCH_TICKS, Clock
from smokeball_sandbox.firm import Firm
from smokeball_sandbox.handler import Handler
from smokeball_sandbox.resources import Resource, Router, Row, Wrapper
from smokeball_sandbox.settings import Settings
from smokeball_sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

Document = dict[str, Any]

ROOT = Path(__file__).parent.parent
MATTERS = "GET /matters"
FEES = "GET /matters/{matterId}/fees"
EVERYTHING = {"Type": "Matters,Leads"}


class Client:
    """A client that has a token."""

    def __init__(self, sandbox: SandboxServer, prefix: str = "") -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.url = sandbox.url + prefix
        self.sign_in()

    def sign_in(self, **form: str) -> None:
        token = mint(self.sandbox, **form).json()["access_token"]
        self.session.headers.update(
            {"x-api-key": self.sandbox.credentials["api_key"], "Authorization": f"Bearer {token}"}
        )

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        return self.session.get(self.url + path, params=query, headers=headers, timeout=10)

    def page(self, path: str, **query: Any) -> Document:
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        page: Document = answer.json()
        return page

    def ids(self, path: str, **query: Any) -> list[str]:
        return [row["id"] for row in self.page(path, **query)["value"]]

    def walk(self, path: str, limit: int, **query: Any) -> list[Document]:
        rows: list[Document] = []
        while page := self.page(path, Offset=len(rows), Limit=limit, **query)["value"]:
            rows += page
        return rows


def mint(sandbox: SandboxServer, **form: str) -> requests.Response:
    id_, secret = sandbox.credentials["client_id"], sandbox.credentials["client_secret"]
    body = {"grant_type": "client_credentials", "client_id": id_, **form}
    return requests.post(f"{sandbox.url}/oauth2/token", body, auth=(id_, secret), timeout=10)


def stamps(sandbox: SandboxServer, resource: str = "matters") -> dict[str, int]:
    return {each["row"]["id"]: each["updated"] for each in sandbox.control.rows(resource)}


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxServer]:
    with SandboxServer(matters=120, seed=7) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: SandboxServer) -> Iterator[SandboxServer]:
    before = running.control.settings()
    running.control.reset_requests()
    yield running
    running.control.settings(**before)
    running.control.clear_faults()


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[Client]:
    client = Client(sandbox)
    with client.session:
        yield client


@pytest.fixture
def busy(sandbox: SandboxServer) -> str:
    """A matter that has a few fees."""
    parents: list[str] = [each["parent"] for each in sandbox.control.rows("fees")]
    return max(sorted(set(parents)), key=parents.count)


# The data


def test_the_same_seed_gives_the_same_firm_and_another_seed_another() -> None:
    def dump(seed: int) -> str:
        with SandboxServer(matters=15, seed=seed) as sandbox:
            rows = [sandbox.control.rows(name) for name in ("matters", "fees")]
            return json.dumps(rows).replace(sandbox.url, "")

    first = dump(3)
    assert first == dump(3)
    assert first != dump(4)


def test_a_firm_looks_like_one(sandbox: SandboxServer) -> None:
    matters = [each["row"] for each in sandbox.control.rows("matters")]
    assert len({row["id"] for row in matters}) == 120
    leads = [row for row in matters if row["isLead"]]
    assert 2 < len(leads) < 30
    assert all("number" not in row and "leadOpenedDate" in row for row in leads)
    assert all("number" in row and "openedDate" in row for row in matters if not row["isLead"])
    assert {"Open", "Closed", "Pending"} <= {row["status"] for row in matters}
    assert any("clientIds" in row for row in matters)
    assert any("clientIds" not in row for row in matters)
    fractions = [row for row in matters if "." in row.get("openedDate", "")]
    assert fractions
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", fractions[0]["openedDate"])
    forms = {tuple(row["personResponsible"]) for row in matters}
    assert forms == {("id", "href", "rel"), ("id", "href", "relation", "method"), ("id", "href")}
    types = [row["matterType"] for row in matters]
    assert all(link["id"].rpartition("_")[2].isupper() for link in types)
    assert all(link["href"].rpartition("_")[2].islower() for link in types)


def test_fees_look_like_fees_and_add_up(sandbox: SandboxServer) -> None:
    kept = sandbox.control.rows("fees")
    fees = [each["row"] for each in kept]
    matters = {each["row"]["id"] for each in sandbox.control.rows("matters")}
    assert {each["parent"] for each in kept} < matters
    for fee in fees:
        rate, amount = Decimal(str(fee["rate"])), Decimal(str(fee["amount"]))
        hours = Decimal(fee["duration"]) / 60
        expected = (rate * hours).quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert amount == (expected if fee["feeType"] == 1 else rate)
        assert fee["amountExcTax"] == fee["amountIncTax"] == fee["amount"]
        assert fee["isBillable"] or not fee["isWrittenOff"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", fee["feeDate"])
    for name in ("isWrittenOff", "isDeleted", "finalized"):
        assert {fee[name] for fee in fees} == {True, False}
    assert any(fee["amount"] != int(fee["amount"]) for fee in fees)
    assert any("sourceItems" in fee for fee in fees)
    assert any("invoiceId" in fee for fee in fees)
    created = {fee["createdDate"] == "0001-01-01T00:00:00" for fee in fees}
    assert created == {True, False}


def test_nothing_is_null(sandbox: SandboxServer) -> None:
    for name in ("matters", "fees"):
        assert "null" not in json.dumps([each["row"] for each in sandbox.control.rows(name)])


def test_exact_fees_and_region() -> None:
    with SandboxServer(matters=10, fees=3, exact_fees=True, region="au") as sandbox:
        fees = [each["row"] for each in sandbox.control.rows("fees")]
    assert len(fees) == 30
    assert any(fee["tax"] for fee in fees)
    for fee in fees:
        parts = Decimal(str(fee["amountExcTax"])) + Decimal(str(fee["tax"]))
        assert parts == Decimal(str(fee["amountIncTax"]))
        assert fee["amount"] == fee["amountIncTax" if fee["taxInclusive"] else "amountExcTax"]


# Tokens and the gateway


def test_client_credentials(sandbox: SandboxServer) -> None:
    answer = mint(sandbox)
    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    assert answer.json()["expires_in"] == 3600


def test_the_client_may_name_itself_in_the_body(sandbox: SandboxServer) -> None:
    known = sandbox.credentials
    form = {
        "grant_type": "refresh_token",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
        "refresh_token": known["refresh_token"],
    }
    assert requests.post(f"{sandbox.url}/oauth2/token", form, timeout=10).status_code == 200


def test_a_public_client_has_no_secret(sandbox: SandboxServer) -> None:
    known = sandbox.public_credentials
    form = {"grant_type": "refresh_token", **known}
    url = f"{sandbox.url}/oauth2/token"
    assert requests.post(url, form, timeout=10).status_code == 200
    form["refresh_token"] = sandbox.credentials["refresh_token"]
    assert requests.post(url, form, timeout=10).json() == {"error": "invalid_grant"}
    form["grant_type"] = "client_credentials"
    assert requests.post(url, form, timeout=10).json() == {"error": "unauthorized_client"}


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "stale"}, 400, "invalid_grant"),
        ({"client_id": "another"}, 401, "invalid_client"),
        ({"scope": "nothing/read"}, 400, "invalid_scope"),
    ],
)
def test_refusals_of_the_token_endpoint(
    sandbox: SandboxServer, form: dict[str, str], status: int, error: str
) -> None:
    answer = mint(sandbox, **form)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_wrong_secret_and_wrong_content_type(sandbox: SandboxServer) -> None:
    url, id_ = f"{sandbox.url}/oauth2/token", sandbox.credentials["client_id"]
    form = {"grant_type": "client_credentials", "client_id": id_}
    answer = requests.post(url, form, auth=(id_, "wrong"), timeout=10)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    form |= {"client_secret": "wrong"}
    answer = requests.post(url, form, timeout=10)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_client"})
    answer = requests.post(url, json=form, timeout=10)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


def test_rotation_of_refresh_tokens() -> None:
    with SandboxServer(matters=1) as sandbox:
        old = sandbox.credentials["refresh_token"]

        def refresh(token: str) -> Document:
            form = {"grant_type": "refresh_token", "refresh_token": token}
            answer: Document = mint(sandbox, **form).json()
            return answer

        assert "refresh_token" not in refresh(old)
        sandbox.control.settings(rotate_refresh_tokens=True)
        second = refresh(old)["refresh_token"]
        sandbox.control.settings(rotate_refresh_tokens="invalidate")
        third = refresh(second)["refresh_token"]
        assert refresh(second) == {"error": "invalid_grant"}
        assert "access_token" in refresh(old)
        sandbox.control.revoke(refresh=True)
        assert refresh(third) == {"error": "invalid_grant"}


def test_tokens_expire_by_the_sandbox_clock(client: Client) -> None:
    client.sandbox.control.settings(token_seconds=100)
    client.sign_in()
    assert client.get("/matters").status_code == 200
    client.sandbox.control.settings(clock_offset_seconds=101)
    answer = client.get("/matters")
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    client.sign_in()
    assert client.get("/matters").status_code == 200


def test_revoked_missing_and_wrong_keys(client: Client) -> None:
    key = {"x-api-key": "wrong"}
    answer = client.get("/matters", key)
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})
    answer = client.get("/matters", {"Authorization": "Basic abc"})
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    client.sandbox.control.revoke()
    assert client.get("/matters").status_code == 401


def test_scopes_are_baked_into_the_token(client: Client, busy: str) -> None:
    client.sandbox.control.settings(scopes=["matters/read"])
    assert client.get(f"/matters/{busy}/fees").status_code == 200
    client.sign_in()
    answer = client.get(f"/matters/{busy}/fees")
    assert answer.status_code == 403
    assert "execute-api:Invoke" in answer.json()["message"]
    assert client.get("/matters").status_code == 200


def test_unknown_paths_are_forbidden_and_unknown_ids_not_found(client: Client) -> None:
    for path in ("/leads", "/matters/x/nonsense", "/other-account/matters"):
        answer = client.get(path)
        assert (answer.status_code, list(answer.json())) == (403, ["message"])
    for path in ("/matters/unknown", "/matters/unknown/fees", "/matters/unknown/fees/x"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json().keys() == {"type", "title", "status", "detail", "instance"}
    assert client.session.post(f"{client.url}/matters", timeout=10).status_code == 403


def test_request_id_is_echoed(client: Client) -> None:
    assert client.get("/matters", {"RequestId": "r-1"}).headers["RequestId"] == "r-1"
    assert "RequestId" not in client.get("/matters").headers
    log = client.sandbox.control.requests(log=True)["log"]
    assert [entry["request_id"] for entry in log] == [None, "r-1", None]


def test_a_user_may_be_kept_from_matters(client: Client, busy: str) -> None:
    client.sandbox.control.settings(hidden_from_user=[busy])
    user = {"UserId": "someone"}
    everyone = client.ids("/matters", **EVERYTHING)
    seen = [row["id"] for row in client.get("/matters", user, **EVERYTHING).json()["value"]]
    assert set(everyone) - set(seen) == {busy}
    for path in (f"/matters/{busy}", f"/matters/{busy}/fees"):
        assert client.get(path, user).status_code == 403
        assert client.get(path).status_code == 200


def test_account_prefix() -> None:
    with SandboxServer(matters=12, account_id="acc-1") as sandbox:
        client = Client(sandbox, "/acc-1")
        with client.session:
            text = client.get("/matters", Limit=5).text
            assert f"{sandbox.url}/acc-1/matters" in text
            hrefs = re.findall(rf'"({re.escape(sandbox.url)}[^"]*)', text)
            assert hrefs
            assert all(href.startswith(f"{sandbox.url}/acc-1/") for href in hrefs)
            client.url = sandbox.url
            assert "acc-1" not in client.get("/matters").text
            client.url = f"{sandbox.url}/acc-2"
            assert client.get("/matters").status_code == 403


# Lists


def test_the_envelope(client: Client) -> None:
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


def test_pages_make_up_the_list(client: Client) -> None:
    rows = client.walk("/matters", 7, **EVERYTHING)
    assert [row["id"] for row in rows] == client.ids("/matters", **EVERYTHING)
    assert len(rows) == 120


def test_leads_are_hidden_by_default(client: Client) -> None:
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


def test_opt_in_blocks(client: Client) -> None:
    for asked in ("items", "tags", "items,tags"):
        rows = client.page("/matters", Fields=asked)["value"]
        for name in ("items", "tags"):
            assert all((name in row) == (name in asked) for row in rows)
    row = client.page("/matters")["value"][0]
    assert not {"items", "tags"} & row.keys()
    single = client.page(f"/matters/{row['id']}")
    assert "items" in single
    assert "tags" not in single


def test_single_fee(client: Client, busy: str) -> None:
    fee = client.page(f"/matters/{busy}/fees")["value"][0]
    assert client.page(f"/matters/{busy}/fees/{fee['id']}") == fee


def test_filters_of_matters(client: Client) -> None:
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


def test_date_filters_of_matters(client: Client) -> None:
    changed = stamps(client.sandbox)
    for row in client.page("/matters", **EVERYTHING)["value"]:
        assert row["versionId"] == str(changed[row["id"]])
    middle = sorted(changed.values())[60]

    def since(**query: Any) -> set[str]:
        return set(client.ids("/matters", **EVERYTHING, **query))

    assert since(UpdatedSince=middle) == {id_ for id_, at in changed.items() if at >= middle}
    client.sandbox.control.settings(inclusive=False)
    assert since(UpdatedSince=middle) == {id_ for id_, at in changed.items() if at > middle}
    moment = "2024-01-01T00:00:00"
    ticks = EPOCH_TICKS + 1_704_067_200 * 10_000_000
    expected = {id_ for id_, at in changed.items() if at > ticks}
    for text in (moment, f"{moment}Z", "2024-01-01T02:00:00+02:00"):
        assert since(LastUpdated=text) == expected
    assert 0 < len(expected) < 120


def test_sort(client: Client) -> None:
    changed = stamps(client.sandbox)
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
def test_bad_queries_are_problems(client: Client, query: Document) -> None:
    answer = client.get("/matters", **query)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 400
    assert problem["errors"]
    assert all(isinstance(error, dict) for error in problem["errors"])
    names = {name.lower() for name in query}
    assert {error["name"].lower() for error in problem["errors"]} <= names


def test_fees_know_only_ticks(client: Client, busy: str) -> None:
    path = f"/matters/{busy}/fees"
    everything = client.page(path)
    assert everything["size"] > 5
    assert "lastUpdated" not in everything["value"][0]
    changed = stamps(client.sandbox, "fees")
    middle = sorted(changed[row["id"]] for row in everything["value"])[3]
    fresh = {row["id"] for row in everything["value"] if changed[row["id"]] >= middle}
    assert set(client.ids(path, updatedsince=middle)) == fresh
    assert client.ids(path, UpdatedSince=max(changed.values()) + 1) == []
    answer = client.get(path, UpdatedSince="2024-01-01T00:00:00Z")
    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (400, "UpdatedSince")
    assert client.page(path, Limit=2, Offset=1)["value"] == everything["value"][1:3]


def test_size_may_be_wrong_or_missing_and_pages_short_or_stuck(client: Client) -> None:
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


# Changes


def test_touching_a_fee_changes_that_fee_only(client: Client, busy: str) -> None:
    control, path = client.sandbox.control, f"/matters/{busy}/fees"
    matters, fees = stamps(client.sandbox), stamps(client.sandbox, "fees")
    before = client.page(path)["value"][2]
    told = control.touch("fees", nth=2, parent=busy, set={"subject": "Moved", "activityCode": None})
    after = client.page(path)["value"][2]
    assert told["row"] == after
    assert (after["id"], after["subject"]) == (before["id"], "Moved")
    assert "activityCode" not in after
    assert after["versionId"] != before["versionId"]
    now = stamps(client.sandbox, "fees")
    assert {id_ for id_, at in now.items() if fees[id_] != at} == {before["id"]}
    assert client.ids(path, UpdatedSince=max(fees.values()) + 1) == [before["id"]]
    assert stamps(client.sandbox) == matters
    control.touch("fees", before["id"], set={"subject": "By id"})
    assert client.page(f"{path}/{before['id']}")["subject"] == "By id"


def test_rows_can_be_added(client: Client) -> None:
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


def test_soft_and_hard_deletes(client: Client, busy: str) -> None:
    control, path = client.sandbox.control, f"/matters/{busy}/fees"
    first, second = client.ids(path)[:2]
    control.touch("fees", first, set={"isDeleted": False})
    control.delete("fees", first)
    assert client.page(f"{path}/{first}")["isDeleted"] is True
    control.delete("fees", second, parent=busy, hard=True)
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


def test_an_emptied_list_stays_empty(client: Client) -> None:
    matter = client.sandbox.control.add("matters")["row"]["id"]
    fee = client.sandbox.control.add("fees", parent=matter)["row"]["id"]
    client.sandbox.control.delete("fees", fee, parent=matter, hard=True)
    assert client.ids(f"/matters/{matter}/fees") == []
    client.sandbox.control.delete("matters", matter, hard=True)


def test_a_lead_becomes_a_matter(client: Client) -> None:
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


def test_the_clock_can_be_wrong(client: Client) -> None:
    client.sandbox.control.settings(clock_offset_seconds=-86_400)
    answer = client.get("/matters", Limit=1)
    ahead = time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert 86_000 < ahead < 87_000
    id_ = answer.json()["value"][0]["id"]
    stamp = client.sandbox.control.touch("matters", id_)["updated"]
    assert 86_000 < time.time() - (stamp - EPOCH_TICKS) / 1e7 < 87_000
    client.sandbox.control.settings(date_header=False)
    assert "Date" not in client.get("/matters").headers


def test_scripts_run_between_the_pages(client: Client) -> None:
    control = client.sandbox.control
    with SandboxServer(matters=30) as sandbox:
        client, control = Client(sandbox), sandbox.control
        query = {**EVERYTHING, "Sort": "asc(lastUpdated)"}
        before = client.ids("/matters", **query)
        gone = {"command": "delete", "resource": "matters", "position": 0, "hard": True}
        control.script(MATTERS, [gone] * 5, nth=2)
        rows = [row["id"] for row in client.walk("/matters", 10, **query)]
        assert rows == before[:10] + before[15:]
        assert client.ids("/matters", **query) == before[5:]
        touch = {"command": "touch", "resource": "matters", "id": before[9], "set": {"title": "T"}}
        control.script(MATTERS, [touch], when="after")
        assert client.ids("/matters", **query)[-1] != before[9]
        assert client.ids("/matters", **query)[-1] == before[9]
        control.script(MATTERS, [{**gone, "position": 99}])
        assert client.get("/matters").status_code == 500
        client.session.close()


# Faults


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_statuses_on_demand(client: Client, status: int) -> None:
    client.sandbox.control.fail(status=status, count=2, after=1, retry_after=7)
    answers = [client.get("/matters", Limit=1) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, status, status, 200]
    assert answers[1].headers["Retry-After"] == "7"
    assert "Retry-After" not in answers[0].headers
    assert ("message" in answers[1].json()) == (status in {401, 403, 429, 503})


def test_faults_are_aimed(client: Client, busy: str) -> None:
    fail = client.sandbox.control.fail
    fail(template=FEES)
    assert client.get("/matters").status_code == 200
    assert client.get(f"/matters/{busy}/fees").status_code == 503
    fail(template="POST /oauth2/token", status=500)
    assert client.get("/matters").status_code == 200
    assert mint(client.sandbox).status_code == 500
    fail(path_contains=busy, status=502)
    assert client.get("/matters").status_code == 200
    assert client.get(f"/matters/{busy}").status_code == 502
    fail(count=50)
    client.sandbox.control.clear_faults()
    assert client.get("/matters").status_code == 200
    for nonsense in ({"how": "explode"}, {"template": "GET /nowhere"}, {"count": 0}):
        with pytest.raises(ControlError):
            fail(**nonsense)


def test_broken_connections(client: Client) -> None:
    fail = client.sandbox.control.fail
    fail(how="reset")
    with pytest.raises(requests.ConnectionError):
        client.get("/matters")
    fail(how="truncate")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.get("/matters")
    fail(how="hang", seconds=0.1)
    with pytest.raises(requests.ConnectionError):
        client.get("/matters")
    fail(how="hang")
    with pytest.raises(requests.ReadTimeout):
        client.session.get(f"{client.url}/matters", timeout=0.2)
    assert client.get("/matters").status_code == 200
    by_status = client.sandbox.control.requests()["by_status"]
    assert by_status["0"] == 3


def test_nonsense_for_an_answer(client: Client) -> None:
    fail = client.sandbox.control.fail
    fail(how="html")
    answer = client.get("/matters")
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.text.startswith("<!DOCTYPE html>")
    fail(how="error_document")
    answer = client.get("/matters")
    assert (answer.status_code, list(answer.json())) == (200, ["message"])
    fail(how="empty")
    answer = client.get("/matters")
    assert (answer.status_code, answer.content) == (200, b"")
    fail(how="slow", seconds=0.05)
    assert client.get("/matters").json()["value"]


# Limits


def test_the_allowance_is_kept(client: Client) -> None:
    client.sandbox.control.settings(rate=0.001, burst=3)
    answers = [client.get("/matters", Limit=1) for _ in range(5)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].json() == {"message": "Too Many Requests"}
    assert "Retry-After" not in answers[-1].headers
    client.sandbox.control.settings(retry_after=2)
    assert client.get("/matters").headers["Retry-After"] == "2"
    client.sandbox.control.settings(rate=0)
    assert client.get("/matters").status_code == 200


def test_requests_in_flight_are_limited_and_counted(client: Client) -> None:
    control = client.sandbox.control
    control.settings(rate=1000, burst=2)
    control.fail(how="hang", count=2)
    host, port = client.url.removeprefix("http://").split(":")
    headers = {name: str(value) for name, value in client.session.headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with ExitStack() as stack:
        for _ in range(2):
            connection = stack.enter_context(socket.create_connection((host, int(port))))
            connection.sendall(f"GET /matters HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
        while control.requests()["by_status"].get("0") != 2:
            time.sleep(0.01)
        assert client.get("/matters").status_code == 429
        assert control.requests()["max_in_flight"] == 3
    while client.get("/matters").status_code == 429:
        time.sleep(0.01)
    control.reset_requests()
    client.get("/matters")
    assert control.requests()["max_in_flight"] == 1


def test_requests_are_counted(client: Client, busy: str) -> None:
    client.get("/matters", {"User-Agent": "tester/1", "UserId": "u"}, Limit=1)
    client.get(f"/matters/{busy}/fees")
    client.get("/nowhere")
    report = client.sandbox.control.requests(log=True)
    assert report["total"] == 4
    assert report["by_template"] == {
        "POST /oauth2/token": 1,
        MATTERS: 1,
        FEES: 1,
        "GET (unknown path)": 1,
    }
    assert report["by_status"] == {"200": 3, "403": 1}
    entry = report["log"][1]
    assert (entry["path"], entry["query"], entry["status"]) == ("/matters", "Limit=1", 200)
    assert (entry["user_id"], entry["user_agent"]) == ("u", "tester/1")


def test_settings_are_checked(sandbox: SandboxServer) -> None:
    before = sandbox.control.settings()
    wrong: list[Document] = [
        {"rate": -1},
        {"nonsense": 1},
        {"latency_ms": 5, "size": "big"},
        {"max_page": 0},
    ]
    for changes in wrong:
        with pytest.raises(ControlError):
            sandbox.control.settings(**changes)
    assert sandbox.control.settings() == before


# The process and the shapes


def test_the_process_ends_with_its_owner() -> None:
    command = [sys.executable, "-m", "smokeball_sandbox", "--port", "0", "--watch-stdin"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        line = process.stdout.readline()
        assert re.fullmatch(r"smokeball-sandbox listening on http://127\.0\.0\.1:\d+\n", line)
        process.stdin.close()
        assert process.wait(10) == 0
        assert "sandbox-client" in process.stdout.read()


def test_a_server_that_cannot_start_says_so() -> None:
    with pytest.raises(RuntimeError), SandboxServer(region="mars"):
        pass


@pytest.mark.parametrize("wrapper", list(Wrapper))
def test_every_shape_of_endpoint_is_served(wrapper: Wrapper) -> None:
    def generate(_: Firm, __: Row | None) -> list[Row]:
        return [Row({"id": "a", "big": 1}, 5)]

    def create(_: Firm, __: Random, ___: object) -> Row:
        raise NotImplementedError

    resource = Resource(
        name="things",
        path="/things",
        scope="things/read",
        generate=generate,
        create=create,
        stamp=lambda _, __: None,
        bury=dict.clear,
        wrapper=wrapper,
        wrap_key="things" if wrapper is Wrapper.WRAPPED else "value",
        fields=("big",),
    )
    store = Store(Firm("http://x", matters=1), Clock(), [resource])
    route = Router([resource]).find("/things")
    assert route is not None
    body = json.loads(Handler(store, Settings()).answer(route, "/things", b"", frozenset()).body)
    if wrapper is Wrapper.PAGED:
        assert body["value"] == [{"id": "a"}]
        assert body["size"] == 1
    else:
        assert (
            body
            == {
                Wrapper.VALUE: {"value": [{"id": "a"}]},
                Wrapper.ARRAY: [{"id": "a"}],
                Wrapper.OBJECT: {"id": "a"},
                Wrapper.WRAPPED: {"things": [{"id": "a"}]},
            }[wrapper]
        )
