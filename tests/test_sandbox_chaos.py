"""The sandbox that turns on its client: what it does, how often, and the same again."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests

from smokeball_sandbox import ControlError
from tests.sandbox_client import Client, mint

if TYPE_CHECKING:
    from tests.sandbox_client import Document

HURT = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def walk(client: Client, times: int = 60) -> list[Any]:
    """Ask for one thing at a time, and sign in again where that is needed."""
    outcomes: list[Any] = []
    for _ in range(times):
        try:
            answer = client.get("/matters", Limit=3)
        except HURT as error:
            outcomes.append(type(error))
            continue
        outcomes.append((answer.status_code, len(answer.content)))
        if answer.status_code == 401:
            sign_in(client)
    return outcomes


def sign_in(client: Client) -> None:
    for _ in range(20):
        with suppress(*HURT, ValueError, KeyError):
            client.sign_in()
            return
    raise AssertionError("no token to be had")


def without_time(events: list[Document]) -> list[Document]:
    return [{k: v for k, v in event.items() if k not in {"at", "leap"}} for event in events]


def test_the_same_seed_does_the_same_again(changing: Client) -> None:
    control = changing.sandbox.control
    told = []
    for seed in (1, 1, 2):
        control.reset()
        changing.sign_in()
        control.hostility(seed=seed, faults=0.2, changes=0.5, clock_seconds=3)
        told.append((walk(changing), without_time(control.calm())))
    assert told[0] == told[1]
    assert told[0] != told[2]


def test_another_share_of_faults_leaves_the_changes_as_they_were(changing: Client) -> None:
    control = changing.sandbox.control
    told = []
    for faults in (0, 0.3):
        control.reset()
        changing.sign_in()
        control.hostility(seed=5, faults=faults, changes=0.5, kinds=["status"], statuses=[503])
        walk(changing)
        events = without_time(control.calm())
        told.append([event for event in events if "fault" not in event])
        assert any("fault" in event for event in events) == bool(faults)
    assert told[0] == told[1]


def test_every_kind_of_fault_and_of_change_happens(changing: Client) -> None:
    control = changing.sandbox.control
    control.hostility(seed=3, faults=0.5, changes=1, seconds=0.01)
    walk(changing, 300)
    events = control.calm()
    faults = Counter(event["fault"] for event in events if "fault" in event)
    assert faults.keys() == {
        "status",
        "reset",
        "truncate",
        "html",
        "error_document",
        "empty",
        "hang",
        "slow",
        "revoke",
    }
    assert {e["status"] for e in events if e.get("fault") == "status"} == {429, 500, 502, 503, 504}
    changes = {
        (event["command"], event.get("resource", "matters"))
        for event in events
        if "command" in event
    }
    assert {command for command, _ in changes} == {"touch", "add", "delete", "convert", "reorder"}
    assert {resource for _, resource in changes} == {
        "matters",
        "fees",
        "contacts",
        "transactions",
        "expenses",
        "invoices",
    }
    assert any(event.get("hard") for event in events)
    assert any("status" in (event.get("set") or {}) for event in events)


def test_the_log_tells_what_became_of_rows(changing: Client) -> None:
    control = changing.sandbox.control
    before = {entry["row"]["id"] for entry in control.rows("contacts")}
    control.hostility(seed=1, changes=1, what=["add", "remove"], resources=["contacts"])
    walk(changing, 20)
    events = control.calm()
    for event in events:
        before ^= {event["id"]}
    assert before == {entry["row"]["id"] for entry in control.rows("contacts")}
    assert {event["path"] for event in events} == {"/matters"}


def test_the_share_is_kept(changing: Client) -> None:
    control = changing.sandbox.control
    control.hostility(seed=1, faults=0.12, kinds=["html"])
    walk(changing, 500)
    assert 40 <= len(control.calm()) <= 80


def test_the_clock_leaps_and_tokens_die(changing: Client) -> None:
    control = changing.sandbox.control
    before = control.settings()["clock_offset_seconds"]
    control.hostility(seed=1, clock_seconds=60)
    walk(changing, 200)
    leaps = [event["leap"] for event in control.calm()]
    assert control.settings()["clock_offset_seconds"] == pytest.approx(before + sum(leaps))
    assert 70 <= len(leaps) <= 130
    control.hostility(seed=1, faults=1, kinds=["revoke"])
    assert changing.get("/matters").status_code == 401
    control.calm()
    assert changing.get("/matters").status_code == 401
    changing.sign_in()
    assert changing.get("/matters").status_code == 200


def test_the_login_is_not_spared(changing: Client) -> None:
    changing.sandbox.control.hostility(faults=1, kinds=["status"], statuses=[502], retry_after=[7])
    answer = mint(changing.sandbox)
    assert (answer.status_code, answer.headers["Retry-After"]) == (502, "7")


def test_a_list_in_another_order(changing: Client) -> None:
    control = changing.sandbox.control
    first, by_time = changing.ids("/contacts"), {"Sort": "asc(lastUpdated)"}
    ordered = changing.ids("/contacts", **by_time)
    control.reorder("contacts")
    second = changing.ids("/contacts")
    assert first != second
    assert sorted(first) == sorted(second)
    control.reorder("contacts", id=second[0])
    third = changing.ids("/contacts")
    assert [each for each in third if each != second[0]] == second[1:]
    assert changing.ids("/contacts", **by_time) == ordered
    with pytest.raises(ControlError):
        control.reorder("contacts", id="nobody")


def test_a_reset_takes_everything_back(changing: Client) -> None:
    control = changing.sandbox.control
    before = {name: control.rows(name) for name in ("matters", "fees", "transactions")}
    settings = control.settings()
    control.hostility(seed=1, faults=0.1, changes=1, clock_seconds=60)
    walk(changing, 30)
    control.fail(status=400, count=99)
    control.settings(latency_ms=1)
    control.reset()
    assert {name: control.rows(name) for name in before} == before
    assert control.settings() == settings
    assert control.requests()["total"] == 0
    assert control.happened() == []
    assert changing.get("/matters").status_code == 401
    changing.sign_in()
    assert changing.get("/matters").status_code == 200
    control.reset(matters=3, fees=2, exact_fees=True, seed=9)
    assert len(control.rows("matters")) == 3
    assert len(control.rows("fees")) == 6
    assert control.rows("matters") != before["matters"][:3]


@pytest.mark.parametrize(
    "nonsense",
    [{"faults": 2}, {"kinds": ["explode"]}, {"resources": ["nothing"]}, {"what": []}, {"x": 1}],
)
def test_rules_are_checked(changing: Client, nonsense: Document) -> None:
    with pytest.raises(ControlError):
        changing.sandbox.control.hostility(**nonsense)
    with pytest.raises(ControlError):
        changing.sandbox.control.reset(latency_ms=5)
