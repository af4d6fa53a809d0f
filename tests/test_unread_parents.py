"""A parent that cannot be read does not stop the others, and is not forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import catalog, config, request_count, run, sandbox_rows

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json, Output

FEES = "GET /matters/{matterId}/fees"
FAST = {"max_retries": 1}

DENIED: list[Json] = [{"status": 403}, {"status": 404}]
BROKEN: list[Json] = [
    {"status": 400},
    {"status": 500},
    {"status": 418},
    {"how": "html"},
    {"how": "error_document"},
    {"how": "empty"},
    {"how": "truncate"},
]


def fail_parent(firm: SandboxServer, parent_id: str, fault: Json, template: str = FEES) -> None:
    rule = {"retry_after": 0, **fault} if "status" in fault else fault
    firm.control.fail(count=1_000_000, template=template, path_contains=parent_id, **rule)


def matter_ids(firm: SandboxServer) -> list[str]:
    return sorted(row["row"]["id"] for row in sandbox_rows(firm, "matters"))


def fees_by_matter(firm: SandboxServer) -> dict[str, set[str]]:
    fees: dict[str, set[str]] = {}
    for each in sandbox_rows(firm, "fees"):
        fees.setdefault(each["parent"], set()).add(each["row"]["id"])
    return fees


def unread(output: Output, stream: str = "fees") -> dict[str, Any]:
    parents: dict[str, Any] = output.bookmark(stream).get("unread_parents", {})
    return parents


@pytest.mark.parametrize("fault", [*DENIED, *BROKEN], ids=str)
def test_unreadable_matter_leaves_others_complete(start: StartFirm, fault: Json) -> None:
    """The others arrive in the same run; the matter arrives as soon as it can be read."""
    firm = start(matters=30, fees=2, exact_fees=True)
    bad = matter_ids(firm)[10]
    fees = fees_by_matter(firm)
    fail_parent(firm, bad, fault)

    first = run(config(firm, **FAST))
    assert first.status == (0 if fault in DENIED else 1)
    assert set(first.ids("fees")) == set().union(*fees.values()) - fees[bad]
    assert list(unread(first)) == [bad]

    firm.control.add("fees", parent=matter_ids(firm)[20])
    again = run(config(firm, **FAST), first.state)
    assert again.status == first.status
    assert len(again.ids("fees")) == 1
    assert list(unread(again)) == [bad]

    firm.control.clear_faults()
    last = run(config(firm, **FAST), again.state)
    assert last.status == 0
    assert set(last.ids("fees")) >= fees[bad]
    assert unread(last) == {}


def test_204_for_a_matter_is_an_empty_list(start: StartFirm) -> None:
    firm = start(matters=30, fees=2, exact_fees=True)
    fail_parent(firm, matter_ids(firm)[10], {"status": 204})
    output = run(config(firm))
    assert output.status == 0
    assert len(output.ids("fees")) == 58
    assert unread(output) == {}


@pytest.mark.parametrize(
    ("stream", "parents", "template"),
    [
        ("transactions", "bank_accounts", "GET /bankaccounts/{bankAccountId}/transactions"),
        ("task_documents", "tasks", "GET /tasks/{taskId}/documents"),
        ("contact_relations", "contacts", "GET /contacts/{contactId}/relations"),
        ("folders", "matters", "GET /matters/{matterId}/documents/folders"),
        ("intake_submissions", "matters", "GET /intake/{matterId}/submissions"),
    ],
)
@pytest.mark.parametrize("status", [403, 500])
def test_unreadable_parent_is_remembered(
    firm: SandboxServer, stream: str, parents: str, template: str, status: int
) -> None:
    """Every child stream continues without a parent that cannot be read."""
    selection = catalog(wanted=(parents, stream), select=[stream])
    everything = run(config(firm), catalog=selection)
    key = {"bank_accounts": "bankAccountId", "tasks": "taskId", "contacts": "contactId"}
    parent_key = key.get(parents, "matterId")
    bad = max(record[parent_key] for record in everything.records(stream))
    fail_parent(firm, bad, {"status": status}, template)
    output = run(config(firm, **FAST), catalog=selection)
    assert output.status == (0 if status == 403 else 1)
    expected = [r for r in everything.records(stream) if r[parent_key] != bad]
    assert len(output.records(stream)) == len(expected)
    assert list(unread(output, stream)) == [bad]


@pytest.mark.parametrize("matters", [4, 200])
@pytest.mark.parametrize("status", [403, 500])
def test_alike_failures_of_all_fail_stream(start: StartFirm, matters: int, status: int) -> None:
    """A missing scope is one error after 20 matters and those in flight, and leaves no state."""
    firm = start(matters=matters, fees=2, exact_fees=True)
    firm.control.fail(count=1_000_000, template=FEES, status=status, retry_after=0)
    output = run(config(firm, max_retries=0, burst=1))
    assert output.status == 1
    assert request_count(firm, FEES) <= 20 + 20  # one worker requests up to 20 matters ahead
    assert unread(output) == {}
    firm.control.clear_faults()
    assert len(run(config(firm), output.state).ids("fees")) == 2 * matters


def test_unread_matter_that_vanishes_is_forgotten(start: StartFirm) -> None:
    firm = start(matters=30, fees=1, exact_fees=True)
    bad = matter_ids(firm)[3]
    fail_parent(firm, bad, {"status": 403})
    first = run(config(firm))
    firm.control.delete("matters", bad, hard=True)
    second = run(config(firm), first.state)
    assert (second.status, unread(second)) == (0, {})


def test_unread_matter_keeps_its_own_start(start: StartFirm) -> None:
    """A change during the outage arrives, however many passes completed without it."""
    firm = start(matters=30, fees=1, exact_fees=True)
    firm.control.settings(clock_offset_seconds=-1000)
    complete = run(config(firm, lookback_seconds=1))
    bad = matter_ids(firm)[3]
    [fee] = fees_by_matter(firm)[bad]
    firm.control.settings(clock_offset_seconds=-900)
    firm.control.touch("fees", fee)
    fail_parent(firm, bad, {"status": 404})
    state = complete.state
    for offset in (-800, -700, -600):
        firm.control.settings(clock_offset_seconds=offset)
        state = run(config(firm, lookback_seconds=1), state).state
    firm.control.clear_faults()
    last = run(config(firm, lookback_seconds=1), state)
    assert fee in last.ids("fees")
    assert unread(last) == {}


def test_fail_on_denied_parents_fails_the_run(start: StartFirm) -> None:
    firm = start(matters=30, fees=1, exact_fees=True)
    fail_parent(firm, matter_ids(firm)[3], {"status": 403})
    output = run(config(firm, fail_on_denied_parents=True))
    assert output.status == 1
    assert len(output.ids("fees")) == 29


def test_unread_parents_are_named_in_the_log(
    start: StartFirm, caplog: pytest.LogCaptureFixture
) -> None:
    firm = start(matters=30, fees=1, exact_fees=True)
    bad = matter_ids(firm)[3]
    fail_parent(firm, bad, {"status": 403})
    run(config(firm))
    [line] = [r.getMessage() for r in caplog.records if "each run retries them" in r.getMessage()]
    assert line == f"fees: 1 matters skipped (403 access denied); each run retries them: {bad}"
    assert '"unread_parents":1' in caplog.text


def test_retry_asks_for_each_matter_once(start: StartFirm) -> None:
    """A run with a full pass asks for each matter once, and adds no request for the retry."""
    firm = start(matters=60, fees=1, exact_fees=True)
    ids = matter_ids(firm)
    for bad in ids[::2]:
        fail_parent(firm, bad, {"status": 403})
    first = run(config(firm))
    assert list(unread(first)) == ids[::2]
    firm.control.reset_requests()
    second = run(config(firm), first.state)
    assert request_count(firm, FEES) == 60
    assert unread(second).keys() == set(ids[::2])
