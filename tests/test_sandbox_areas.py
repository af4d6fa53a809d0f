"""Each resource of the sandbox, over HTTP: its shape, its filters, and how it hangs together."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pytest

from smokeball_sandbox import ControlError, SandboxServer
from smokeball_sandbox.areas import RESOURCES
from smokeball_sandbox.areas.ledger import SIGNS
from smokeball_sandbox.clock import EPOCH_TICKS, iso
from smokeball_sandbox.resources import Resource, Wrapper
from tests.test_sandbox import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

MATTERS = 80
ALL_TIME: Json = {"From": "1990-01-01T00:00:00"}
BY_NAME = {each.name: each for each in RESOURCES}
NAMES = list(BY_NAME)
NO_MARK = {each.name for each in RESOURCES if each.bury is None}


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxServer]:
    with SandboxServer(matters=MATTERS) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def kept(running: SandboxServer) -> dict[str, list[Json]]:
    """Every row of the firm as it was at the start, by resource."""
    return {name: running.control.rows(name) for name in NAMES}


@pytest.fixture(scope="module")
def rows(kept: dict[str, list[Json]]) -> dict[str, list[Json]]:
    return {name: [each["row"] for each in kept[name]] for name in NAMES}


@pytest.fixture
def sandbox(running: SandboxServer, kept: dict[str, list[Json]]) -> Iterator[SandboxServer]:
    assert kept
    before = running.control.settings()
    yield running
    running.control.settings(**before)


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[Client]:
    client = Client(sandbox)
    with client.session:
        yield client


@pytest.fixture(scope="module")
def playground() -> Iterator[Client]:
    """A client of a firm that many tests change, each of them some other resource."""
    with SandboxServer(matters=15) as sandbox:
        client = Client(sandbox)
        with client.session:
            yield client


@pytest.fixture
def changing() -> Iterator[Client]:
    """A client of a firm that may be changed."""
    with SandboxServer(matters=15) as sandbox:
        client = Client(sandbox)
        with client.session:
            yield client


def path_of(resource: Resource, parent: str | None) -> str:
    return re.sub(r"{\w+}", str(parent), resource.path)


def busiest(kept: dict[str, list[Json]], name: str) -> str | None:
    """The parent that most rows hang under."""
    found: str | None = Counter(each["parent"] for each in kept[name]).most_common(1)[0][0]
    return found


def cents(amount: float) -> int:
    value = Decimal(str(amount)) * 100
    assert value == int(value)
    return int(value)


def everything(name: str) -> Json:
    """The parameters that keep a list from leaving rows out."""
    return {"matters": {"Type": "Matters,Leads"}, "events": ALL_TIME}.get(name, {})


# Shapes


@pytest.mark.parametrize("name", NAMES)
def test_each_list_has_its_shape(client: Client, kept: dict[str, list[Json]], name: str) -> None:
    resource = BY_NAME[name]
    parent = busiest(kept, name)
    count = sum(each["parent"] == parent for each in kept[name])
    answer = client.get(path_of(resource, parent), **everything(name))
    assert answer.status_code == 200
    content = answer.json()
    if resource.wrapper is Wrapper.ARRAY:
        found = len(content)
    elif resource.wrapper is Wrapper.OBJECT:
        found = 1
        assert "value" not in content
    elif resource.wrapper is Wrapper.PAGED:
        found = content["size"]
        assert len(content["value"]) == min(found, 500)
    else:
        found = len(content[resource.wrap_key])
        assert "size" not in content
    hidden = sum(each["row"].get("isDeleted", False) for each in kept[name])
    assert found == (1 if resource.tree else count - hidden * resource.hides_deleted)


@pytest.mark.parametrize("name", [each.name for each in RESOURCES if each.by_id])
def test_each_row_is_found_by_its_id(
    client: Client, kept: dict[str, list[Json]], name: str
) -> None:
    resource = BY_NAME[name]
    for each in kept[name][:5]:
        answer = client.get(f"{path_of(resource, each['parent'])}/{each['row']['id']}")
        assert answer.status_code == 200
        if resource.tree is None:
            left_out = set(resource.fields) - set(resource.by_id_fields)
            assert answer.json().keys() == each["row"].keys() - left_out
    missing = client.get(f"{path_of(resource, kept[name][0]['parent'])}/unknown")
    assert missing.status_code == 404


def test_pages_of_every_paged_list_add_up(client: Client, kept: dict[str, list[Json]]) -> None:
    for resource in RESOURCES:
        if resource.wrapper is not Wrapper.PAGED or resource.tree:
            continue
        path = path_of(resource, busiest(kept, resource.name))
        query = everything(resource.name)
        whole = client.page(path, **query)
        limit = max(1, whole["size"] // 3)
        assert client.walk(path, limit, **query)[: len(whole["value"])] == whole["value"]


def test_undeclared_paging_may_be_ignored(client: Client) -> None:
    whole = client.page("/groups")
    assert client.page("/groups", Limit=1)["value"] == whole["value"][:1]
    client.sandbox.control.settings(undeclared_paging=False)
    page = client.page("/groups", Limit=1, Offset=3)
    assert page["value"] == whole["value"]
    assert page["size"] == len(whole["value"])
    assert not {"offset", "limit", "next"} & page.keys()
    assert len(client.page("/stages", Limit=1)["value"]) == 1


def test_roles_come_with_what_stands_beside_them(
    client: Client, kept: dict[str, list[Json]]
) -> None:
    parent = busiest(kept, "matter_roles")
    answer = client.page(f"/matters/{parent}/roles")
    assert answer["matterId"] == parent
    assert answer["versionId"]
    assert len(answer["roles"]) >= 3
    assert any("contact" not in role for role in answer["roles"])


def test_a_folder_tree_holds_every_folder_and_file_once(
    client: Client, kept: dict[str, list[Json]]
) -> None:
    matter = busiest(kept, "folders")
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
        expected = {each["row"]["id"] for each in kept[name] if each["parent"] == matter}
        assert sorted(each["id"] for each in found[name]) == sorted(expected)
    assert client.page(path, Offset=1)["value"] == []
    assert client.get(f"{path}/unknown").status_code == 404


def test_only_some_closed_matters_are_archived(
    client: Client, kept: dict[str, list[Json]], rows: dict[str, list[Json]]
) -> None:
    archived = {each["parent"]: each["row"] for each in kept["archives"]}
    for matter in rows["matters"]:
        answer = client.get(f"/matters/{matter['id']}/archive")
        assert answer.status_code == (200 if matter["id"] in archived else 404)
    assert archived
    statuses = {row["id"]: row["status"] for row in rows["matters"]}
    assert {statuses[id_] for id_ in archived} == {"Closed"}
    assert {row["destroyDate"] == "0001-01-01T00:00:00" for row in archived.values()} == {
        True,
        False,
    }


def test_details_are_told_by_id_only(client: Client) -> None:
    for path, names in (("/mattertypes", {"items"}), ("/layouts", {"description", "fields"})):
        row = client.page(path)["value"][0]
        single = client.page(f"{path}/{row['id']}")
        assert single.keys() - row.keys() == names


def test_nothing_is_null_anywhere(rows: dict[str, list[Json]]) -> None:
    def values(node: Any) -> Iterator[Any]:
        yield node
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        for each in inner:
            yield from values(each)

    assert None not in list(values(list(rows.values())))


# How it hangs together


def ids(rows: dict[str, list[Json]], name: str) -> set[str]:
    return {row["id"] for row in rows[name]}


def test_keys_are_unique(kept: dict[str, list[Json]]) -> None:
    for name in NAMES:
        keys = [
            (each["parent"], each["row"].get("id") or each["row"]["matter"]["id"])
            for each in kept[name]
        ]
        assert len(set(keys)) == len(keys), name
    firm_wide = ("fees", "expenses", "invoices", "memos", "files", "transactions", "subtasks")
    for name in firm_wide:
        assert len({each["row"]["id"] for each in kept[name]}) == len(kept[name])


def test_every_link_leads_somewhere(sandbox: SandboxServer, rows: dict[str, list[Json]]) -> None:
    """Whatever has an id and an href of a resource is a row of that resource."""
    by_path = {
        r"/staff/([^/]+)": ids(rows, "staff"),
        r"/contacts/([^/]+)": ids(rows, "contacts"),
        r"/matters/([^/]+)": ids(rows, "matters"),
        r"/mattertypes/([^/]+)": ids(rows, "matter_types"),
        r"/stagesets/([^/]+)": ids(rows, "stage_sets"),
        r"/layouts/([^/]+)": ids(rows, "layout_designs"),
        r"/tasks/([^/]+)": ids(rows, "tasks"),
        r"/tasks/[^/]+/subtasks/([^/]+)": ids(rows, "subtasks"),
        r"/bankaccounts/([^/]+)": ids(rows, "bank_accounts"),
        r"/bankaccounts/[^/]+/transactions/([^/]+)": ids(rows, "transactions"),
        r"/matters/[^/]+/invoices/([^/]+)": ids(rows, "invoices"),
        r"/matters/[^/]+/documents/files/([^/]+)": ids(rows, "files"),
        r"/matters/[^/]+/documents/folders/([^/]+)": ids(rows, "folders"),
        r"/matters/[^/]+/memos/([^/]+)": ids(rows, "memos"),
    }
    known = {pattern: {id_.lower() for id_ in found} for pattern, found in by_path.items()}
    followed: Counter[str] = Counter()

    def follow(node: Any) -> None:
        if isinstance(node, list):
            for each in node:
                follow(each)
        elif isinstance(node, dict):
            href = node.get("href", "").removeprefix(sandbox.url)
            for pattern, found in known.items():
                match = re.fullmatch(pattern, href)
                if match:
                    followed[pattern] += 1
                    assert match[1].lower() in found, href
                    assert match[1].lower() == str(node.get("id", match[1])).lower()
            for each in node.values():
                follow(each)

    follow(list(rows.values()))
    assert followed.keys() == known.keys()


def test_users_belong_to_staff(rows: dict[str, list[Json]]) -> None:
    staff = {row["id"]: row for row in rows["staff"]}
    users = ids(rows, "firm_users")
    for user in rows["firm_users"]:
        assert staff[user["staffId"]]["userId"] == user["userId"] != user["staffId"]
        assert staff[user["staffId"]]["former"] == user["isFormerUser"]
    groups = ids(rows, "groups")
    for group in rows["groups"]:
        assert set(group["principalIds"]) <= users | groups
    assert {row["former"] for row in rows["staff"]} == {True, False}


def test_parties_are_the_contacts_of_the_matter(
    kept: dict[str, list[Json]], rows: dict[str, list[Json]]
) -> None:
    roles = defaultdict(list)
    for each in kept["matter_roles"]:
        roles[each["parent"]].append(each["row"])
    for matter in rows["matters"]:
        for side, flag in (("clients", "isClient"), ("otherSides", "isOtherSide")):
            named = [role["contact"]["id"] for role in roles[matter["id"]] if role[flag]]
            assert named == [link["id"] for link in matter[side]]
        items = {item["id"] for group in matter["items"].values() for item in group if "id" in item}
        layouts = {
            each["row"]["itemId"]
            for each in kept["matter_layouts"]
            if each["parent"] == matter["id"]
        }
        assert items <= {role["id"] for role in roles[matter["id"]]} | layouts
    kinds = {
        row["id"]: row.keys() & {"company", "trust", "groupOfPeople"} for row in rows["contacts"]
    }
    clients = [kinds[matter["clients"][0]["id"]] for matter in rows["matters"]]
    assert {"company", "groupOfPeople"} <= set().union(*clients)


def test_names_and_codes_are_those_of_the_lists(rows: dict[str, list[Json]]) -> None:
    codes = {row["code"]: row["id"] for row in rows["activity_codes"]}
    for row in (*rows["fees"], *rows["expenses"]):
        assert row["activityCode"] in codes
        source = row.get("createdFromActivityId", codes[row["activityCode"]])
        assert source == codes[row["activityCode"]]
    referrals = {row["name"] for row in rows["referral_types"]}
    assert {row["referralType"] for row in rows["matters"] if "referralType" in row} <= referrals
    users = {row.get("userId") for row in rows["staff"]}
    named = {row["createdByUserId"] for row in rows["memos"]}
    assert named & users
    forms, contacts = ids(rows, "intake_forms"), ids(rows, "contacts")
    for row in rows["intake_submissions"]:
        assert row["formId"] in forms
        assert row["recipient"]["contactId"] in contacts
    events = ids(rows, "events")
    for item in rows["matter_layouts"]:
        assert {each["appointmentId"] for each in item.get("events", ())} <= events


def test_relations_go_both_ways(kept: dict[str, list[Json]]) -> None:
    pairs = {(each["parent"], each["row"]["id"]) for each in kept["contact_relations"]}
    assert pairs
    assert pairs == {(related, contact) for contact, related in pairs}


def test_stages_are_those_of_the_set(rows: dict[str, list[Json]]) -> None:
    stages = {row["id"]: {stage["id"] for stage in row["stages"]} for row in rows["stage_sets"]}
    for row in rows["matter_stages"]:
        assert row["stage"]["id"] in stages[row["stageSet"]["id"]]


def test_tasks_list_their_subtasks(kept: dict[str, list[Json]]) -> None:
    below = defaultdict(set)
    for each in kept["subtasks"]:
        below[each["parent"]].add(each["row"]["id"])
        assert each["row"]["parentTask"]["id"] == each["parent"]
    parted = 0
    for each in kept["tasks"]:
        listed = {link["id"] for link in each["row"].get("subTasks", ())}
        assert listed == below[each["row"]["id"]]
        parted += bool(listed)
    assert 0 < parted < len(kept["tasks"])


# Money


@pytest.mark.parametrize("region", ["us", "au"])
def test_invoices_are_the_sums_of_their_entries(region: str) -> None:
    with SandboxServer(matters=60, region=region) as sandbox:
        kept = {name: sandbox.control.rows(name) for name in ("fees", "expenses", "invoices")}
    entries = {
        each["row"]["id"]: (each["parent"], name, each["row"])
        for name in ("fees", "expenses")
        for each in kept[name]
    }
    placed = {id_: row.get("invoiceId") for id_, (_, _, row) in entries.items()}
    seen: set[str] = set()
    taxes = 0
    for each in kept["invoices"]:
        invoice, totals = each["row"], each["row"]["invoiceTotals"]
        expected = dict.fromkeys(("fees", "expenses", "fees off", "expenses off", "tax"), 0)
        for entry in invoice.get("entries", ()):
            parent, name, row = entries[entry["id"]]
            assert (parent, row["invoiceId"]) == (each["parent"], invoice["id"])
            assert row["versionId"] == entry["versionId"]
            assert entry["type"] == (2 if name == "expenses" else row["feeType"])
            assert not row["isDeleted"]
            assert row["finalized"] == (invoice["status"] != 0)
            seen.add(entry["id"])
            fee = name == "fees"
            amount = cents(row["billableAmountExcTax" if fee else "amountExcTax"])
            expected[name] += amount
            if row["isWrittenOff"]:
                expected[f"{name} off"] += amount
            else:
                expected["tax"] += cents(row["billableTax" if fee else "tax"])
        sums = {name: cents(amount) for name, amount in totals.items()}
        assert sums["feeTotal"] == expected["fees"]
        assert sums["expenseTotal"] == expected["expenses"]
        assert sums["writtenOffFeeTotal"] == expected["fees off"]
        assert sums["writtenOffExpenseTotal"] == expected["expenses off"]
        assert sums["billed"] == expected["fees"] + expected["expenses"]
        assert sums["tax"] == expected["tax"]
        surcharge = sums["total"] - sums["billed"] - sums["tax"] - sums["interest"]
        assert (surcharge > 0) <= (invoice.get("surcharge", {}).get("type", 0) > 0)
        owed = sums["total"] - sums["discount"] - sums["writtenOff"] - sums["waived"]
        assert sums["unpaid"] == owed - sums["paid"] == sums["unpaidExcInterest"] + sums["interest"]
        assert (sums["discount"] > 0) <= ("discount" in invoice)
        if invoice["status"] == 2:
            assert sums["unpaid"] == 0 < sums["paid"]
            assert invoice["paidDate"] > "2000"
        taxes += sums["tax"]
    assert seen == {id_ for id_, invoice in placed.items() if invoice}
    assert (taxes > 0) == (region == "au")
    statuses = {each["row"]["status"] for each in kept["invoices"]}
    assert {0, 1, 2} <= statuses
    assert statuses & {3, 4}
    numbers = [
        row["row"]["invoiceNumber"] for row in kept["invoices"] if "invoiceNumber" in row["row"]
    ]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("region", ["us", "au"])
def test_balances_are_the_sums_of_the_transactions(region: str) -> None:
    with SandboxServer(matters=60, region=region) as sandbox:
        kept = {
            name: sandbox.control.rows(name)
            for name in ("bank_accounts", "matter_balances", "transactions", "invoices")
        }
    held: Counter[tuple[str, str]] = Counter()
    paid: Counter[str] = Counter()
    accounts = {each["row"]["id"]: each["row"] for each in kept["bank_accounts"]}
    rows = {each["row"]["id"]: each["row"] for each in kept["transactions"]}
    for each in kept["transactions"]:
        row, matter = each["row"], each["row"]["matter"]["id"]
        assert row["bankAccount"]["id"] == each["parent"]
        amount = SIGNS[row["type"]] * cents(row["amount"])
        held[each["parent"], matter] += amount
        if row["type"].startswith("InvoicePayment"):
            paid[matter] -= amount
        if "reversedFromTransaction" in row:
            origin = rows[row["reversedFromTransaction"]["id"]]
            assert origin["reversed"]
            assert origin["reversedToTransaction"]["id"] == row["id"]
            assert row["type"] == f"{origin['type']}Reversal"
            assert row["amount"] == origin["amount"]
    moments: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for each in kept["transactions"]:
        amount = SIGNS[each["row"]["type"]] * cents(each["row"]["amount"])
        moment = each["row"]["enteredDate"]
        moments[each["parent"], each["row"]["matter"]["id"]][moment] += amount
    for by_moment in moments.values():
        assert min(accumulate(by_moment[moment] for moment in sorted(by_moment))) >= 0
    balances = {
        (each["parent"], each["row"]["matter"]["id"]): each["row"]
        for each in kept["matter_balances"]
    }
    assert {key: cents(row["balance"]) for key, row in balances.items()} == dict(held)
    for row in balances.values():
        assert 0 <= cents(row["protectedBalance"]) <= cents(row["balance"])
        rest = cents(row["balance"]) - cents(row["protectedBalance"])
        assert cents(row["availableBalance"]) == rest
    for id_, account in accounts.items():
        copies = [balances[id_, copy["matter"]["id"]] for copy in account["matterBalances"]]
        assert copies == account["matterBalances"]
        assert cents(account["balance"]) == sum(cents(copy["balance"]) for copy in copies)
        assert ("contactBalances" in account) == (region == "us")
        by_contact = sum(cents(each["balance"]) for each in account.get("contactBalances", ()))
        assert by_contact == (cents(account["balance"]) if region == "us" else 0)
    billed: Counter[str] = Counter()
    for each in kept["invoices"]:
        billed[each["parent"]] += cents(each["row"]["invoiceTotals"]["paid"])
    assert +paid == +billed
    assert any(row["type"] == "Trust" and row["balance"] > 0 for row in accounts.values())
    assert any(row.get("reversed") for row in rows.values())
    assert ("ControlledMoney" in {row["type"] for row in accounts.values()}) == (region == "au")


# Filters


@pytest.mark.parametrize(
    ("name", "parameter", "dialect"),
    [
        (each.name, filter_.name, filter_.dialect)
        for each in RESOURCES
        for filter_ in each.date_filters
    ],
)
def test_date_filters_in_their_dialects(
    client: Client, kept: dict[str, list[Json]], name: str, parameter: str, dialect: str
) -> None:
    resource, parent = BY_NAME[name], busiest(kept, name)
    listed = [each for each in kept[name] if each["parent"] == parent]
    stamps = sorted(each["updated"] for each in listed)
    since = stamps[len(stamps) // 2] // 10_000_000 * 10_000_000
    written = {"ticks": str(since), "iso": iso(since), "iso-no-zone": iso(since)[:-1]}
    path, query = path_of(resource, parent), everything(name)
    expected = sum(stamp >= since for stamp in stamps)
    assert client.page(path, **query, **{parameter: written[dialect]})["size"] == expected
    wrong: Json = {"ticks": iso(since), "iso": str(since), "iso-no-zone": iso(since)}
    answer = client.get(path, **{**query, parameter: wrong[dialect]})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["name"] == parameter


def test_events_begin_now_unless_told_otherwise(
    client: Client, rows: dict[str, list[Json]]
) -> None:
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


def test_deleted_rows_are_listed_unless_told_otherwise(client: Client) -> None:
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


def test_matter_types_are_filtered(client: Client) -> None:
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


def test_deleted_matter_types_are_never_listed(changing: Client) -> None:
    control = changing.sandbox.control
    gone = control.delete("matter_types", nth=3)["row"]["id"]
    assert gone not in changing.ids("/mattertypes")
    assert changing.page(f"/mattertypes/{gone}")["isDeleted"] is True


def test_contacts_have_opt_in_blocks_kinds_and_searches(client: Client) -> None:
    plain = client.page("/contacts")["value"]
    blocks = set(BY_NAME["contacts"].fields)
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


def test_rates_are_asked_for(client: Client) -> None:
    assert not any("rate" in row for row in client.page("/staff")["value"])
    assert all("rate" in row for row in client.page("/staff", Fields="rate")["value"])


def test_filters_by_matter_and_kind(client: Client, rows: dict[str, list[Json]]) -> None:
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


def test_files_are_in_the_order_of_their_making(
    client: Client, kept: dict[str, list[Json]]
) -> None:
    path = f"/matters/{busiest(kept, 'files')}/documents/files"
    rows = client.page(path)["value"]
    made = [row["dateCreated"] for row in rows]
    assert made == sorted(made)
    falling = client.page(path, Sort="desc(dateCreated)")["value"]
    assert [row["dateCreated"] for row in falling] == made[::-1]
    extension = rows[0]["fileExtension"]
    found = client.page(path, Search=f"fileExtension:{extension}")["value"]
    assert found == [row for row in rows if row["fileExtension"] == extension]


# What is awkward


def test_awkward_records(rows: dict[str, list[Json]]) -> None:
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


# Changes


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


# Who may see it


def test_intake_needs_the_add_on() -> None:
    with SandboxServer(matters=6, intake=False) as sandbox:
        client = Client(sandbox)
        with client.session:
            matter = client.ids("/matters")[0]
            paths = ("/intake/forms", f"/intake/{matter}/submissions")
            for path in paths:
                answer = client.get(path)
                assert answer.status_code == 403
                assert answer.json()["title"]
            assert "ADD001" not in client.page("/firm")["addOnIds"]
            sandbox.control.touch("firm", nth=0, set={"addOnIds": ["ADD001"]})
            for path in paths:
                assert client.get(path).status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_each_resource_needs_its_scope(
    client: Client, kept: dict[str, list[Json]], name: str
) -> None:
    resource = BY_NAME[name]
    scopes = {each.scope for each in RESOURCES}
    client.sandbox.control.settings(scopes=sorted(scopes - {resource.scope}))
    client.sign_in()
    answer = client.get(path_of(resource, busiest(kept, name)))
    assert answer.status_code == 403
    assert "execute-api:Invoke" in answer.json()["message"]


def test_a_hidden_matter_hides_what_belongs_to_it(
    client: Client, rows: dict[str, list[Json]]
) -> None:
    matter = Counter(row["matter"]["id"] for row in rows["tasks"]).most_common(1)[0][0]
    client.sandbox.control.settings(hidden_from_user=[matter])
    user = {"UserId": "someone"}
    seen = client.get("/tasks", user).json()["value"]
    assert len(seen) < len(client.page("/tasks")["value"])
    assert all(row["matter"]["id"] != matter for row in seen)
    task = next(row["id"] for row in rows["tasks"] if row["matter"]["id"] == matter)
    assert client.get(f"/tasks/{task}", user).status_code == 403


def test_the_firm_depends_on_the_seed_and_not_on_what_is_asked_first() -> None:
    def dump(names: list[str], seed: int) -> dict[str, str]:
        with SandboxServer(matters=12, seed=seed) as sandbox:
            return {
                name: str(sandbox.control.rows(name)).replace(sandbox.url, "") for name in names
            }

    first = dump(NAMES, 3)
    assert dump(NAMES[::-1], 3) == first
    other = dump(NAMES, 4)
    assert [name for name in NAMES if other[name] == first[name]] == []
