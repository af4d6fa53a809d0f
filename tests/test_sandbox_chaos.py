"""Chaos in the sandbox: random faults and changes, their rates and their seed."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests

from smokeball_sandbox import ControlError
from tests.sandbox_client import Client, request_token

if TYPE_CHECKING:
    from tests.sandbox_client import Document

pytestmark = pytest.mark.slow

CONNECTION_ERRORS = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def send_requests(client: Client, times: int = 60) -> list[Any]:
    """Send one request at a time, and sign in again after a 401."""
    outcomes: list[Any] = []
    for _ in range(times):
        try:
            response = client.get("/matters", Limit=3)
        except CONNECTION_ERRORS as error:
            outcomes.append(type(error))
            continue
        outcomes.append((response.status_code, len(response.content)))
        if response.status_code == 401:
            sign_in(client)
    return outcomes


def sign_in(client: Client) -> None:
    for _ in range(20):
        with suppress(*CONNECTION_ERRORS, ValueError, KeyError):
            client.sign_in()
            return
    raise AssertionError("no token after 20 attempts")


def without_time(events: list[Document]) -> list[Document]:
    return [
        {k: v for k, v in event.items() if k not in {"at", "clock_step_seconds"}}
        for event in events
    ]


def test_chaos_same_seed_repeats_events(mutable_client: Client) -> None:
    control = mutable_client.sandbox.control
    results = []
    for seed in (1, 1, 2):
        control.reset()
        mutable_client.sign_in()
        control.start_chaos(seed=seed, fault_rate=0.2, change_rate=0.5, max_clock_step_seconds=3)
        results.append((send_requests(mutable_client), without_time(control.stop_chaos())))
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_chaos_fault_rate_keeps_row_changes(mutable_client: Client) -> None:
    control = mutable_client.sandbox.control
    results = []
    for faults in (0, 0.3):
        control.reset()
        mutable_client.sign_in()
        control.start_chaos(
            seed=5, fault_rate=faults, change_rate=0.5, fault_kinds=["status"], statuses=[503]
        )
        send_requests(mutable_client)
        events = without_time(control.stop_chaos())
        results.append([event for event in events if "fault" not in event])
        assert any("fault" in event for event in events) == bool(faults)
    assert results[0] == results[1]


def test_chaos_covers_all_faults_and_changes(mutable_client: Client) -> None:
    control = mutable_client.sandbox.control
    control.start_chaos(seed=3, fault_rate=0.5, change_rate=1, seconds=0.01)
    send_requests(mutable_client, 300)
    events = control.stop_chaos()
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


def test_chaos_log_lists_added_and_removed_rows(mutable_client: Client) -> None:
    control = mutable_client.sandbox.control
    before = {entry["row"]["id"] for entry in control.rows("contacts")}
    control.start_chaos(
        seed=1, change_rate=1, change_kinds=["add", "remove"], resources=["contacts"]
    )
    send_requests(mutable_client, 20)
    events = control.stop_chaos()
    for event in events:
        before ^= {event["id"]}
    assert before == {entry["row"]["id"] for entry in control.rows("contacts")}
    assert {event["path"] for event in events} == {"/matters"}


def test_chaos_keeps_fault_rate(mutable_client: Client) -> None:
    control = mutable_client.sandbox.control
    control.start_chaos(seed=1, fault_rate=0.12, fault_kinds=["html"])
    send_requests(mutable_client, 500)
    assert 40 <= len(control.stop_chaos()) <= 80


def test_chaos_steps_clock_and_revokes_tokens(mutable_client: Client) -> None:
    control = mutable_client.sandbox.control
    before = control.settings()["clock_offset_seconds"]
    control.start_chaos(seed=1, max_clock_step_seconds=60)
    send_requests(mutable_client, 200)
    steps = [event["clock_step_seconds"] for event in control.stop_chaos()]
    assert control.settings()["clock_offset_seconds"] == pytest.approx(before + sum(steps))
    assert 70 <= len(steps) <= 130
    control.start_chaos(seed=1, fault_rate=1, fault_kinds=["revoke"])
    assert mutable_client.get("/matters").status_code == 401
    control.stop_chaos()
    assert mutable_client.get("/matters").status_code == 401
    mutable_client.sign_in()
    assert mutable_client.get("/matters").status_code == 200


def test_chaos_fails_token_requests(mutable_client: Client) -> None:
    mutable_client.sandbox.control.start_chaos(
        fault_rate=1, fault_kinds=["status"], statuses=[502], retry_after=[7]
    )
    response = request_token(mutable_client.sandbox)
    assert (response.status_code, response.headers["Retry-After"]) == (502, "7")


def test_reorder_moves_rows_of_unsorted_list(mutable_client: Client) -> None:
    control = mutable_client.sandbox.control
    first, by_time = mutable_client.ids("/contacts"), {"Sort": "asc(lastUpdated)"}
    ordered = mutable_client.ids("/contacts", **by_time)
    control.reorder("contacts")
    second = mutable_client.ids("/contacts")
    assert first != second
    assert sorted(first) == sorted(second)
    control.reorder("contacts", id=second[0])
    third = mutable_client.ids("/contacts")
    assert [each for each in third if each != second[0]] == second[1:]
    assert mutable_client.ids("/contacts", **by_time) == ordered
    with pytest.raises(ControlError):
        control.reorder("contacts", id="nobody")


def test_reset_restores_initial_state(mutable_client: Client) -> None:
    control = mutable_client.sandbox.control
    before = {name: control.rows(name) for name in ("matters", "fees", "transactions")}
    settings = control.settings()
    control.start_chaos(seed=1, fault_rate=0.1, change_rate=1, max_clock_step_seconds=60)
    send_requests(mutable_client, 30)
    control.fail(status=400, count=99)
    control.settings(latency_ms=1)
    control.reset()
    assert {name: control.rows(name) for name in before} == before
    assert control.settings() == settings
    assert control.requests()["total"] == 0
    assert control.chaos_log() == []
    assert mutable_client.get("/matters").status_code == 401
    mutable_client.sign_in()
    assert mutable_client.get("/matters").status_code == 200
    control.reset(matters=3, fees=2, exact_fees=True, seed=9)
    assert len(control.rows("matters")) == 3
    assert len(control.rows("fees")) == 6
    assert control.rows("matters") != before["matters"][:3]


@pytest.mark.parametrize(
    "invalid",
    [
        {"fault_rate": 2},
        {"fault_kinds": ["explode"]},
        {"resources": ["nothing"]},
        {"change_kinds": []},
        {"x": 1},
    ],
)
def test_invalid_chaos_rules_are_rejected(mutable_client: Client, invalid: Document) -> None:
    with pytest.raises(ControlError):
        mutable_client.sandbox.control.start_chaos(**invalid)
    with pytest.raises(ControlError):
        mutable_client.sandbox.control.reset(latency_ms=5)
