"""What a run reads by webhook events, by intervals, and where its position stands afterwards.

Each test runs the tap against a firm in this process whose inbox the test fills.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball import dotnet_ticks
from tests.event_firm import ALL_EVENT_TYPES, OLD_SECONDS, EventFirm, narrow_catalog
from tests.harness import (
    DEFAULT_STREAMS,
    FEES,
    MATTERS,
    run_connection_test,
    run_plan,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Json

pytestmark = pytest.mark.slow

CATALOG = narrow_catalog("matters", "fees", "matter_roles", "contacts", "staff")
ROLES = "GET /matters/{matterId}/roles"
CONTACTS = "GET /contacts"
SUBSCRIPTIONS = "GET /webhooks"
TICKS_PER_HOUR = 36_000_000_000
FIRST_TICKS, LAST_TICKS = 630_000_000_000_000_000, 650_000_000_000_000_000


@pytest.fixture
def firm(tmp_path: Path) -> EventFirm:
    return EventFirm(tmp_path, matters=6)


@pytest.fixture
def state(firm: EventFirm) -> Json:
    """Return the state after a first run, when nothing is due."""
    output = firm.run(catalog=CATALOG)
    firm.requests()
    return output.state


def shifted(state: Any, hours: float) -> Any:
    """Return a state whose times are older, or younger if the hours are negative."""
    ticks = round(hours * TICKS_PER_HOUR)
    if isinstance(state, dict):
        return {k: v if k == "events" else shifted(v, hours) for k, v in state.items()}
    if isinstance(state, list):
        return [shifted(each, hours) for each in state]
    if isinstance(state, str) and state.isdigit():
        return str(shifted(int(state), hours))
    is_time = isinstance(state, int) and FIRST_TICKS < state < LAST_TICKS
    return state - ticks if is_time else state


def change(firm: EventFirm, stream: str, nth: int = 0, **event: Any) -> Json:
    """Change a row of a child stream of matters, and let its event arrive."""
    entry = firm.control.rows(stream)[nth]
    firm.control.touch(stream, entry["row"]["id"], parent=entry["parent"])
    prefix = {"fees": "fee", "matter_roles": "roles"}[stream]
    firm.notify(f"{prefix}.updated", entry["parent"], **event)
    return entry


def position(state: Json, stream: str = "fees") -> int:
    seq: int = state["bookmarks"][stream]["events"]["seq"]
    return seq


def bookmark_and_digest(state: Json, stream: str) -> tuple[Any, Any]:
    entry = state["bookmarks"][stream]
    return entry.get("replication_key_value"), entry.get("parent_digest")


# Which streams a run reads ------------------------------------------------------------------------


def test_run_without_events_makes_no_request(firm: EventFirm, state: Json) -> None:
    output = firm.run(state, CATALOG)
    assert (output.status, firm.requests()) == (0, {})
    assert [message["type"] for message in output.messages] == ["STATE"]
    assert output.state == state


def test_list_is_read_when_its_event_waits(firm: EventFirm, state: Json) -> None:
    firm.notify("contact.updated")
    output = firm.run(state, CATALOG)
    assert firm.requests() == {CONTACTS: 1}
    firm.run(output.state, CATALOG)
    assert firm.requests() == {}


def test_named_matter_takes_one_request(firm: EventFirm, state: Json) -> None:
    fee = change(firm, "fees", nth=7)
    output = firm.run(state, CATALOG)
    assert firm.requests() == {FEES: 1}
    assert output.ids("fees") == {fee["row"]["id"]: 1}
    assert bookmark_and_digest(output.state, "fees") == bookmark_and_digest(state, "fees")
    assert position(output.state) == position(output.state, "staff") == position(state) + 1
    firm.run(output.state, CATALOG)
    assert firm.requests() == {}


def test_stream_without_filter_is_read_in_full(firm: EventFirm, state: Json) -> None:
    role = change(firm, "matter_roles")
    output = firm.run(state, CATALOG)
    assert firm.requests() == {ROLES: 1}
    own = {
        e["row"]["id"] for e in firm.control.rows("matter_roles") if e["parent"] == role["parent"]
    }
    assert output.ids("matter_roles").keys() == own


def test_dead_subscription_makes_full_pass_due(
    firm: EventFirm, state: Json, caplog: pytest.LogCaptureFixture
) -> None:
    firm.webhooks.subscriptions = []
    firm.forget_check()
    first = firm.run(state, CATALOG)
    assert firm.requests() == {
        SUBSCRIPTIONS: 1, MATTERS: 1, CONTACTS: 1, "GET /staff": 1, FEES: 6, ROLES: 6,
    }  # fmt: skip
    assert "subscription_dead" in caplog.text
    second = firm.run(first.state, CATALOG)
    assert firm.requests() == {MATTERS: 1, CONTACTS: 1, "GET /staff": 1}
    assert bookmark_and_digest(second.state, "matters") == bookmark_and_digest(
        first.state, "matters"
    )


def test_revived_subscription_makes_full_pass_due(firm: EventFirm, state: Json) -> None:
    listed, firm.webhooks.subscriptions = firm.webhooks.subscriptions, []
    firm.forget_check()
    state = firm.run(state, CATALOG).state
    firm.webhooks.subscriptions = listed
    firm.forget_check()
    firm.requests()
    state = firm.run(state, CATALOG).state
    assert firm.requests()[FEES] == 6
    firm.run(state, CATALOG)
    assert firm.requests() == {}


def test_forbidden_check_reads_without_webhooks(
    firm: EventFirm, state: Json, caplog: pytest.LogCaptureFixture
) -> None:
    firm.webhooks.status = 403
    firm.forget_check()
    fee = change(firm, "fees")
    output = firm.run(state, CATALOG)
    assert firm.requests() == {
        SUBSCRIPTIONS: 1, MATTERS: 1, CONTACTS: 1, "GET /staff": 1, FEES: 1,
    }  # fmt: skip
    assert fee["row"]["id"] in output.ids("fees")
    assert caplog.text.count("the subscription is unknown: 403") == 1


def test_forbidden_check_trusts_recent_one(firm: EventFirm) -> None:
    firm.webhooks.status = 403
    state = firm.run(catalog=CATALOG).state
    firm.requests()
    firm.run(state, CATALOG)
    assert firm.requests() == {}


def test_subscription_of_other_firm_is_not_alive(firm: EventFirm) -> None:
    firm.webhooks.subscriptions = [{"id": "other", "eventTypes": []}]
    state = firm.run(catalog=CATALOG).state
    firm.requests()
    output = firm.run(state, CATALOG)
    assert firm.requests() == {SUBSCRIPTIONS: 1, MATTERS: 1, CONTACTS: 1, "GET /staff": 1}
    assert position(output.state) == 1, "the other firm's log is left alone"


def test_stream_without_all_its_events_is_polled(tmp_path: Path) -> None:
    firm = EventFirm(tmp_path, matters=3, event_types=ALL_EVENT_TYPES - {"contact.created"})
    state = firm.run(catalog=CATALOG).state
    firm.requests()
    firm.run(state, CATALOG)
    assert firm.requests() == {}
    firm.run(shifted(state, 1), CATALOG)
    assert firm.requests() == {CONTACTS: 1}
    firm.notify("contact.updated")
    firm.run(state, CATALOG)
    assert firm.requests() == {CONTACTS: 1}, "an event is a reason nevertheless"


def test_events_that_return_make_full_pass_due(tmp_path: Path) -> None:
    firm = EventFirm(tmp_path, matters=3, event_types=ALL_EVENT_TYPES - {"fee.created"})
    state = firm.run(catalog=CATALOG).state
    firm.webhooks.subscriptions[0]["eventTypes"] = sorted(ALL_EVENT_TYPES)
    firm.forget_check()
    firm.requests()
    firm.run(state, CATALOG)
    assert firm.requests() == {SUBSCRIPTIONS: 1, MATTERS: 1, FEES: 3}


def test_streams_without_events_are_polled(firm: EventFirm) -> None:
    """Children of a parent with events wait for the full pass: they cost a request each."""
    wanted = narrow_catalog("matters", "folders", "bank_accounts", "transactions", "groups")
    state = firm.run(catalog=wanted).state
    firm.requests()
    firm.run(state, wanted)
    assert firm.requests() == {}
    state = firm.run(shifted(state, 1), wanted).state
    counts = firm.requests()
    assert counts.keys() == {
        "GET /bankaccounts", "GET /bankaccounts/{bankAccountId}/transactions", "GET /groups",
    }  # fmt: skip
    firm.run(state, wanted)
    assert firm.requests() == {}
    firm.run(state, wanted, poll_interval_minutes=0)
    assert firm.requests() == counts


@pytest.mark.parametrize("hours", [25, -1])
def test_full_pass_is_due_after_interval(firm: EventFirm, state: Json, hours: float) -> None:
    """Also if the last one lies in the future."""
    state = firm.run(shifted(state, hours), CATALOG).state
    counts = firm.requests()
    assert (counts[MATTERS], counts[FEES], counts[ROLES], counts[CONTACTS]) == (1, 6, 6, 1)
    firm.run(state, CATALOG)
    assert firm.requests() == {}


def test_interval_zero_does_full_pass_in_each_run(firm: EventFirm, state: Json) -> None:
    fee = change(firm, "fees", nth=7)
    output = firm.run(state, CATALOG, full_pass_interval_hours=0)
    counts = firm.requests()
    assert (counts[MATTERS], counts[FEES], counts[ROLES], counts[CONTACTS]) == (1, 6, 6, 1)
    assert output.records("fees")[0]["id"] == fee["row"]["id"], "the named matter comes first"


def test_thirty_changed_rows_take_few_requests(tmp_path: Path) -> None:
    """10,000 matters, 30 rows changed on 25 of them, default streams."""
    firm = EventFirm(tmp_path, matters=6)
    wanted = narrow_catalog(*DEFAULT_STREAMS)
    state = firm.run(catalog=wanted).state
    firm.control.reset(matters=10_000)
    matters = firm.matter_ids
    changed: dict[str, set[str]] = {"fees": set(), "expenses": set()}
    for nth in range(30):
        stream, prefix = ("fees", "fee") if nth % 3 else ("expenses", "expense")
        entry = firm.control.add(stream, parent=matters[nth % 25 * 300])
        firm.notify(f"{prefix}.created", entry["parent"])
        changed[stream].add(entry["row"]["id"])
    firm.requests()
    output = firm.run(state, wanted)
    assert sum(firm.requests().values()) <= 60
    assert {name: set(output.ids(name)) for name in changed} == changed
    firm.run(output.state, wanted)
    assert firm.requests() == {}


# Changed parents between full passes --------------------------------------------------------------


def test_matter_event_reads_changes_alone(firm: EventFirm, state: Json) -> None:
    matter = firm.control.rows("matters")[2]["row"]["id"]
    firm.control.touch("matters", matter, set={"description": "Moved"})
    firm.notify("matter.updated", matter)
    output = firm.run(state, CATALOG, lookback_seconds=0)
    assert firm.requests() == {MATTERS: 1, FEES: 1, ROLES: 1}
    assert matter in output.ids("matters")
    own = {e["row"]["id"] for e in firm.control.rows("fees") if e["parent"] == matter}
    assert output.ids("fees").keys() == own, "all rows of a changed matter are read"
    for stream in ("matters", "fees"):
        before = bookmark_and_digest(state, stream)
        assert bookmark_and_digest(output.state, stream) == before


def test_changes_are_emitted_once(firm: EventFirm, state: Json) -> None:
    """The rows of earlier changes are not emitted again, though the bookmark does not move."""
    now = dotnet_ticks.now()
    ids = [entry["row"]["id"] for entry in firm.control.rows("matters")]
    for matter, age_seconds in zip(ids, [100, 50], strict=False):
        updated = now - age_seconds * dotnet_ticks.PER_SECOND
        firm.control.touch("matters", matter, updated=updated)
    firm.notify("matter.updated", ids[0])
    state = firm.run(state, CATALOG, lookback_seconds=0).state
    firm.control.touch("matters", ids[3])
    firm.notify("matter.updated", ids[3])
    firm.requests()
    output = firm.run(state, CATALOG, lookback_seconds=0)
    assert ids[3] in output.ids("matters")
    assert ids[0] not in output.ids("matters")
    assert firm.requests() == {MATTERS: 1, FEES: 1, ROLES: 1}


def test_intervals_work_without_inbox(firm: EventFirm) -> None:
    """Each run then lists what changed, and reads the children of changed matters."""
    settings: Json = {"webhook_inbox": None}
    state = firm.run(catalog=CATALOG, **settings).state
    matter = firm.control.rows("matters")[2]["row"]["id"]
    firm.control.touch("matters", matter)
    firm.requests()
    output = firm.run(state, CATALOG, **settings)
    assert firm.requests() == {MATTERS: 1, CONTACTS: 1, "GET /staff": 1, FEES: 1, ROLES: 1}
    assert "events" not in output.state["bookmarks"]["fees"]
    assert "webhooks" not in output.state


def test_changes_are_read_for_unselected_parent(firm: EventFirm) -> None:
    wanted = narrow_catalog("fees", "matters")
    wanted["streams"] = [each for each in wanted["streams"] if each["tap_stream_id"] == "fees"]
    state = firm.run(catalog=wanted).state
    matter = firm.control.rows("matters")[2]["row"]["id"]
    firm.control.touch("matters", matter)
    firm.requests()
    firm.run(state, wanted)
    assert firm.requests() == {}
    firm.notify("matter.updated", matter)
    output = firm.run(state, wanted)
    assert firm.requests() == {MATTERS: 1, FEES: 1}
    assert {record["matterId"] for record in output.records("fees")} == {matter}


def test_restricted_view_hides_named_matter(firm: EventFirm) -> None:
    """Whether a matter has a status that is wanted shows only the list."""
    settings: Json = {"matter_statuses": ["Open"]}
    entries = firm.control.rows("matters")
    for entry, status in zip(entries, ["Open", "Closed"] * 3, strict=True):
        updated = dotnet_ticks.now() - dotnet_ticks.PER_DAY
        firm.control.touch("matters", entry["row"]["id"], set={"status": status}, updated=updated)
    state = firm.run(catalog=CATALOG, **settings).state
    parents = {e["parent"]: e["row"]["id"] for e in firm.control.rows("fees")}
    opened, closed = (entries[nth]["row"]["id"] for nth in (0, 1))
    for matter in (closed, opened):
        firm.control.touch("fees", parents[matter], parent=matter)
        firm.notify("fee.updated", matter)
    firm.requests()
    output = firm.run(state, CATALOG, **settings)
    assert firm.requests() == {MATTERS: 1, FEES: 1}
    assert {record["matterId"] for record in output.records("fees")} == {opened}


# Parents that events name -------------------------------------------------------------------------


def test_named_matters_are_read_by_first_event(firm: EventFirm, state: Json) -> None:
    by_parent = {entry["parent"]: nth for nth, entry in enumerate(firm.control.rows("fees"))}
    order = list(by_parent)[::-1]
    for matter in (*order, order[0]):
        change(firm, "fees", nth=by_parent[matter])
    output = firm.run(state, CATALOG, lookback_seconds=0)
    assert list(dict.fromkeys(r["matterId"] for r in output.records("fees"))) == order
    assert firm.requests() == {FEES: len(order)}


@pytest.mark.parametrize("status", [400, 403, 404])
def test_forged_ids_leave_no_trace(firm: EventFirm, state: Json, status: int) -> None:
    firm.notify_many("fee.updated", (f"00000000-{number}" for number in range(25)))
    if status != 404:
        firm.control.fail(template=FEES, path_contains="/00000000-", status=status, count=25)
    fee = change(firm, "fees")
    output = firm.run(state, CATALOG)
    assert output.status == 0
    assert firm.requests() == {FEES: 26}
    assert output.ids("fees") == {fee["row"]["id"]: 1}
    assert "unread_parents" not in output.bookmark("fees")
    assert position(output.state) == position(state) + 26


def test_forged_id_costs_nothing_in_full_pass(firm: EventFirm, state: Json) -> None:
    firm.notify("fee.updated", "00000000-0000-0000-0000-000000000000")
    output = firm.run(state, CATALOG, full_pass_interval_hours=0)
    assert firm.requests()[FEES] == 6
    assert position(output.state) == position(state) + 1


def test_failing_matter_holds_position(
    firm: EventFirm, state: Json, caplog: pytest.LogCaptureFixture
) -> None:
    fees = firm.control.rows("fees")
    parents = {entry["parent"]: nth for nth, entry in enumerate(fees)}
    first, second, third = list(parents.values())[:3]
    done = change(firm, "fees", nth=first)
    failing = change(firm, "fees", nth=second)
    later = change(firm, "fees", nth=third)
    firm.control.fail(template=FEES, path_contains=failing["parent"], status=500, count=100)
    output = firm.run(state, CATALOG, max_retries=1)
    assert output.status == 1
    assert output.ids("fees").keys() == {done["row"]["id"], later["row"]["id"]}
    assert position(output.state) == position(state) + 1
    assert "unread_parents" not in output.bookmark("fees")
    assert not any(failing["parent"] in each.getMessage() for each in caplog.records)
    firm.control.clear_faults()
    firm.requests()
    output = firm.run(output.state, CATALOG)
    assert output.status == 0
    assert output.ids("fees").keys() == {failing["row"]["id"], later["row"]["id"]}
    assert position(output.state) == position(state) + 3


def test_matter_failing_long_waits_for_full_pass(firm: EventFirm, state: Json) -> None:
    failing = change(firm, "fees", age_seconds=2 * 3600)
    firm.control.fail(template=FEES, path_contains=failing["parent"], status=500, count=100)
    output = firm.run(state, CATALOG, max_retries=0)
    assert (output.status, position(output.state)) == (1, position(state) + 1)
    firm.control.clear_faults()
    firm.requests()
    output = firm.run(output.state, CATALOG)
    assert failing["row"]["id"] in output.ids("fees")
    assert firm.requests()[FEES] == 6


def test_stream_that_fails_for_all_stops_early(firm: EventFirm, state: Json) -> None:
    firm.notify_many("fee.updated", (f"00000000-{number}" for number in range(60)))
    firm.control.fail(template=FEES, how="status", status=500, count=10_000)
    output = firm.run(state, CATALOG, max_retries=0, burst=1)
    assert (output.status, position(output.state)) == (1, position(state))
    assert firm.requests()[FEES] < 60


def test_replaced_table_waits_for_full_pass(firm: EventFirm) -> None:
    """A part of a table would delete the rest of it."""
    settings: Json = {"emit_activate_version_messages": True}
    state = firm.run(catalog=CATALOG, **settings).state
    change(firm, "matter_roles")
    firm.requests()
    output = firm.run(state, CATALOG, **settings)
    assert firm.requests() == {}
    assert "events" not in output.bookmark("matter_roles")
    output = firm.run(shifted(state, 25), CATALOG, **settings)
    assert len(output.records("matter_roles")) == len(firm.control.rows("matter_roles"))


def test_named_matters_are_read_in_batches(firm: EventFirm, state: Json, tmp_path: Path) -> None:
    batches = {"encoding": {"format": "jsonl"}, "storage": {"root": f"file://{tmp_path}"}}
    change(firm, "fees")
    output = firm.run(state, CATALOG, batch_config=batches)
    assert firm.requests() == {FEES: 1}
    assert [m["type"] for m in output.messages] == ["STATE", "SCHEMA", "BATCH", "STATE"]
    assert position(output.state) == position(state) + 1


def test_unread_matter_is_retried_once_an_hour(firm: EventFirm, state: Json) -> None:
    """Between full passes, too: it may have been a fault of a moment."""
    matter = firm.matter_ids[2]
    firm.control.fail(template=FEES, path_contains=matter, status=500, count=100)
    failed = firm.run(shifted(state, 25), CATALOG, max_retries=0)
    assert list(failed.bookmark("fees")["unread_parents"]) == [matter]
    firm.requests()
    again = firm.run(failed.state, CATALOG, max_retries=0)
    assert (again.status, firm.requests()) == (1, {FEES: 1})
    waiting = firm.run(again.state, CATALOG)
    assert (waiting.status, firm.requests()) == (0, {})
    firm.control.clear_faults()
    output = firm.run(shifted(again.state, 1), CATALOG)
    assert firm.requests() == {FEES: 1}
    assert "unread_parents" not in output.bookmark("fees")


# The position -------------------------------------------------------------------------------------


def test_young_event_is_acted_on_again(firm: EventFirm, state: Json) -> None:
    """Reads lag writes at this vendor by seconds."""
    fee = change(firm, "fees", age_seconds=0)
    first = firm.run(state, CATALOG)
    assert fee["row"]["id"] in first.ids("fees")
    assert position(first.state) == position(state)
    firm.age_inbox(OLD_SECONDS)
    second = firm.run(first.state, CATALOG)
    assert fee["row"]["id"] in second.ids("fees")
    assert position(second.state) == position(state) + 1


def test_killed_run_skips_no_named_matter(firm: EventFirm, state: Json) -> None:
    """Whichever STATE message is the last: all rows are before it or in the next run."""
    parents = {entry["parent"]: nth for nth, entry in enumerate(firm.control.rows("fees"))}
    changed = {change(firm, "fees", nth=nth)["row"]["id"] for nth in parents.values()}
    messages = firm.run(state, CATALOG, lookback_seconds=0).messages
    states = [nth for nth, message in enumerate(messages) if message["type"] == "STATE"]
    assert len(states) > 2
    for nth in states:
        records = [m["record"]["id"] for m in messages[:nth] if m["type"] == "RECORD"]
        rest = firm.run(messages[nth]["value"], CATALOG, lookback_seconds=0)
        assert changed <= {*records, *rest.ids("fees")}


def test_first_run_starts_at_newest_event(firm: EventFirm) -> None:
    """An upgrade with an old state: what happened before is the full pass's affair."""
    old = firm.run(catalog=CATALOG, webhook_inbox=None, full_pass_interval_hours=0).state
    fee = change(firm, "fees")
    young = change(firm, "fees", nth=7, age_seconds=0)
    firm.requests()
    output = firm.run(old, CATALOG)
    counts = firm.requests()
    assert (counts[MATTERS], counts[FEES]) == (1, 6)
    assert {fee["row"]["id"], young["row"]["id"]} <= output.ids("fees").keys()
    assert position(output.state) == 2, "the young event is acted on again"


@pytest.mark.parametrize("kind", ["gap", "unknown type", "no matter", "pruned", "restored"])
def test_gap_makes_full_pass_due_once(
    firm: EventFirm, state: Json, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    reason = {
        "gap": "overflow",
        "unknown type": "unknown event type",
        "no matter": "an event names no matter",
    }.get(kind, kind)
    if kind == "gap":
        firm.add_gap()
    elif kind == "unknown type":
        firm.notify("document.created")
    elif kind == "no matter":
        firm.notify("fee.updated")
    elif kind == "pruned":
        for _ in range(3):
            firm.notify("staff.updated")
        firm.prune()
    else:
        state["bookmarks"]["fees"]["events"]["mark"] += 1
    output = firm.run(state, CATALOG)
    assert firm.requests()[FEES] == 6
    assert f"({reason})" in caplog.text
    firm.run(output.state, CATALOG)
    assert firm.requests() == {}


def test_young_gap_makes_one_full_pass_due(firm: EventFirm, state: Json) -> None:
    """The position does not pass it yet, but the gap is known."""
    firm.add_gap(age_seconds=0)
    first = firm.run(state, CATALOG)
    assert (firm.requests()[FEES], position(first.state)) == (6, position(state))
    firm.run(first.state, CATALOG)
    assert firm.requests() == {}


@pytest.mark.parametrize("events", [0, 1, 4])
def test_gap_of_restored_inbox_counts(firm: EventFirm, state: Json, events: int) -> None:
    """Its row has the place of one that the run before has seen, or an earlier one."""
    firm.back_up()
    firm.notify("staff.updated", age_seconds=0)
    firm.notify("document.created", age_seconds=0)
    first = firm.run(state, CATALOG)
    assert (firm.requests()[FEES], position(first.state)) == (6, position(state))
    firm.restore()
    for _ in range(events):
        firm.notify("staff.updated")
    second = firm.run(first.state, CATALOG)
    assert firm.requests()[FEES] == 6
    firm.run(second.state, CATALOG)
    assert firm.requests() == {}


def test_due_full_pass_is_remembered(firm: EventFirm, state: Json) -> None:
    """A gap that was passed counts until a later pass is complete."""
    firm.add_gap()
    firm.control.fail(template=FEES, how="status", status=403, count=10_000)
    first = firm.run(state, CATALOG)
    assert (first.status, position(first.state)) == (1, position(state) + 1)
    state = {**state, "bookmarks": {**state["bookmarks"], "fees": first.bookmark("fees")}}
    firm.control.clear_faults()
    firm.requests()
    second = firm.run(state, CATALOG)
    assert firm.requests()[FEES] == 6
    third = firm.run(second.state, CATALOG)
    assert firm.requests() == {}
    assert third.status == 0


def test_too_many_names_make_full_pass_due(firm: EventFirm, state: Json) -> None:
    firm.notify_many("fee.updated", (f"{n:032}" for n in range(1_001)))
    output = firm.run(state, CATALOG)
    assert firm.requests() == {MATTERS: 1, FEES: 6}
    assert position(output.state) == position(state) + 1_001


def test_event_of_noop_is_no_gap(firm: EventFirm, state: Json) -> None:
    firm.notify("noop")
    output = firm.run(state, CATALOG)
    assert (firm.requests(), position(output.state)) == ({}, position(state) + 1)


def test_reader_position_is_recorded(firm: EventFirm, state: Json) -> None:
    change(firm, "fees")
    output = firm.run(state, CATALOG)
    assert firm.reader_positions() == [position(output.state)]


# Time limit, clock, failures ----------------------------------------------------------------------


def test_named_matters_get_half_of_the_time(firm: EventFirm) -> None:
    """The polls are made although the events alone would take all of the time."""
    wanted = narrow_catalog("matters", "fees", "bank_accounts", "transactions")
    state = firm.run(catalog=wanted).state
    firm.notify_many("fee.updated", (f"00000000-{number}" for number in range(100)))
    slow: Json = {"path_contains": "/00000000-", "how": "slow", "seconds": 0.05}
    firm.control.fail(template=FEES, **slow, count=1_000)
    limits: Json = {"max_run_minutes": 6 / 60, "burst": 1, "poll_interval_minutes": 0}
    firm.requests()
    output = firm.run(state, wanted, **limits)
    assert output.status == 0
    assert "GET /bankaccounts/{bankAccountId}/transactions" in firm.requests()
    assert position(state) < position(output.state) < position(state) + 100


def test_extracted_ticks_follow_slower_clock(firm: EventFirm, state: Json) -> None:
    firm.control.settings(clock_offset_seconds=-3600)
    change(firm, "fees", nth=7)
    fee = firm.control.rows("fees")[7]
    firm.control.touch("fees", fee["row"]["id"], parent=fee["parent"])
    output = firm.run(state, CATALOG, lookback_seconds=7200)
    [record] = [each for each in output.records("fees") if each["id"] == fee["row"]["id"]]
    before = firm.run(shifted(state, 25), CATALOG).bookmark("fees")["replication_key_value"]
    assert abs(record["extractedTicks"] - before) < TICKS_PER_HOUR / 60


def test_unusable_inbox_fails_run_at_its_end(firm: EventFirm, state: Json) -> None:
    output = firm.run_failing(state, CATALOG, webhook_inbox="sqlite:////nowhere/inbox.db")
    assert "the file of the webhook inbox does not exist" in output.stderr
    assert firm.requests() == {MATTERS: 1, CONTACTS: 1, "GET /staff": 1}
    assert position(output.state) == position(state)


def test_state_of_other_firm_is_refused(firm: EventFirm, state: Json) -> None:
    state["firm"]["known_by"] = ["login:0000000000000000", "account:0000000000000000"]
    change(firm, "fees")
    output = firm.run_failing(state, CATALOG, account_id="other")
    assert (output.messages, firm.requests()) == ([], {})


def test_plan_shows_each_kind_of_run(firm: EventFirm, state: Json) -> None:
    change(firm, "fees")
    plan = run_plan(firm.settings(), state, CATALOG).stdout
    assert "Full pass (every 1 day): about 15 requests" in plan
    assert "Streams without events (every 30 minutes): about 0 requests" in plan
    assert "Webhooks: the subscription is alive" in plan
    assert "Next run: about 1 requests, under a second, of which 1 for parents" in plan


def test_connection_test_shows_subscription(
    firm: EventFirm, capsys: pytest.CaptureFixture[str]
) -> None:
    run_connection_test(firm.settings(), CATALOG)
    assert "the subscription is alive" in capsys.readouterr().out
    firm.webhooks.subscriptions = []
    firm.requests()
    run_connection_test(firm.settings(), CATALOG)
    assert "the subscription is not found at Smokeball" in capsys.readouterr().out


def test_tap_alone_does_not_import_sqlalchemy() -> None:
    code = "import sys, tap_smokeball.tap; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
