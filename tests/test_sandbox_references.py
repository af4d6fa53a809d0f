"""References between the rows of the sandbox's firm."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from tests.sandbox_client import NAMES, Json, full_sandbox

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer

sandbox = full_sandbox


def ids(rows: dict[str, list[Json]], name: str) -> set[str]:
    return {row["id"] for row in rows[name]}


def test_sandbox_ids_are_unique(entries: dict[str, list[Json]]) -> None:
    for name in NAMES:
        keys = [
            (each["parent"], each["row"].get("id") or each["row"]["matter"]["id"])
            for each in entries[name]
        ]
        assert len(set(keys)) == len(keys), name
    unique_names = ("fees", "expenses", "invoices", "memos", "files", "transactions", "subtasks")
    for name in unique_names:
        assert len({each["row"]["id"] for each in entries[name]}) == len(entries[name])


def test_links_resolve_to_existing_rows(
    sandbox: SandboxServer, rows: dict[str, list[Json]]
) -> None:
    """An object with an id and an href of a resource is a row of that resource."""
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


def test_firm_users_match_staff(rows: dict[str, list[Json]]) -> None:
    staff = {row["id"]: row for row in rows["staff"]}
    users = ids(rows, "firm_users")
    for user in rows["firm_users"]:
        assert staff[user["staffId"]]["userId"] == user["userId"] != user["staffId"]
        assert staff[user["staffId"]]["former"] == user["isFormerUser"]
    groups = ids(rows, "groups")
    for group in rows["groups"]:
        assert set(group["principalIds"]) <= users | groups
    assert {row["former"] for row in rows["staff"]} == {True, False}


def test_matter_parties_match_roles(
    entries: dict[str, list[Json]], rows: dict[str, list[Json]]
) -> None:
    roles = defaultdict(list)
    for each in entries["matter_roles"]:
        roles[each["parent"]].append(each["row"])
    for matter in rows["matters"]:
        for side, flag in (("clients", "isClient"), ("otherSides", "isOtherSide")):
            named = [role["contact"]["id"] for role in roles[matter["id"]] if role[flag]]
            assert named == [link["id"] for link in matter[side]]
        items = {item["id"] for group in matter["items"].values() for item in group if "id" in item}
        layouts = {
            each["row"]["itemId"]
            for each in entries["matter_layouts"]
            if each["parent"] == matter["id"]
        }
        assert items <= {role["id"] for role in roles[matter["id"]]} | layouts
    kinds = {
        row["id"]: row.keys() & {"company", "trust", "groupOfPeople"} for row in rows["contacts"]
    }
    clients = [kinds[matter["clients"][0]["id"]] for matter in rows["matters"]]
    assert {"company", "groupOfPeople"} <= set().union(*clients)


def test_referenced_codes_exist_in_lists(rows: dict[str, list[Json]]) -> None:
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


def test_contact_relations_are_symmetric(entries: dict[str, list[Json]]) -> None:
    pairs = {(each["parent"], each["row"]["id"]) for each in entries["contact_relations"]}
    assert pairs
    assert pairs == {(related, contact) for contact, related in pairs}


def test_matter_stages_belong_to_stage_set(rows: dict[str, list[Json]]) -> None:
    stages = {row["id"]: {stage["id"] for stage in row["stages"]} for row in rows["stage_sets"]}
    for row in rows["matter_stages"]:
        assert row["stage"]["id"] in stages[row["stageSet"]["id"]]


def test_tasks_link_their_subtasks(entries: dict[str, list[Json]]) -> None:
    subtasks = defaultdict(set)
    for each in entries["subtasks"]:
        subtasks[each["parent"]].add(each["row"]["id"])
        assert each["row"]["parentTask"]["id"] == each["parent"]
    with_subtasks = 0
    for each in entries["tasks"]:
        listed = {link["id"] for link in each["row"].get("subTasks", ())}
        assert listed == subtasks[each["row"]["id"]]
        with_subtasks += bool(listed)
    assert 0 < with_subtasks < len(entries["tasks"])
