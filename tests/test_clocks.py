"""Clocks that are wrong: the server's, this machine's, and the one that wrote the state."""

from __future__ import annotations

import json
import logging
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.server_clock import ServerClock
from tests.harness import FEES, MATTERS, TOKEN, config, run, small_catalog
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from tests.harness import Json, Output

pytestmark = pytest.mark.slow

DAY_SECONDS = 86_400
YEAR = 365 * dotnet_ticks.PER_DAY


@pytest.fixture
def memory_firm() -> MemoryFirm:
    return MemoryFirm(matters=6)


def fee_ids(firm: MemoryFirm) -> set[str]:
    return {each["row"]["id"] for each in firm.control.rows("fees")}


def bookmarks(output: Output) -> list[int]:
    values = [each["replication_key_value"] for each in output.state["bookmarks"].values()]
    return [int(value) for value in values]


@pytest.mark.parametrize("lead_seconds", [600, DAY_SECONDS])
def test_date_ahead_loses_no_change(
    memory_firm: MemoryFirm, caplog: pytest.LogCaptureFixture, lead_seconds: int
) -> None:
    """The server says a time of the future in all responses of a run; changes follow at once."""
    firm = memory_firm
    firm.control.settings(clock_offset_seconds=lead_seconds)
    first = run(config(firm))
    firm.control.settings(clock_offset_seconds=0)
    assert max(bookmarks(first)) <= dotnet_ticks.now()
    changed = min(fee_ids(firm))
    firm.control.touch("fees", changed)
    assert changed in run(config(firm), first.state).ids("fees")
    minutes = f"{lead_seconds / 60:.1f} minutes"
    assert sum(minutes in each.getMessage() for each in caplog.records) == 1


@pytest.mark.parametrize("template", [MATTERS, TOKEN])
@pytest.mark.parametrize("lead_seconds", [DAY_SECONDS, -DAY_SECONDS, 10**11])
def test_single_wild_date_changes_nothing(
    memory_firm: MemoryFirm, template: str, lead_seconds: int
) -> None:
    firm = memory_firm
    selection = small_catalog("activity_codes", "staff", "matters", "fees")
    firm.control.fail(how="wild_date", template=template, seconds=lead_seconds)
    before = dotnet_ticks.now()
    output = run(config(firm), catalog=selection)
    bookmark = output.bookmark("fees")["replication_key_value"]
    assert before - 10 * dotnet_ticks.PER_SECOND <= bookmark <= dotnet_ticks.now()


def test_slow_response_does_not_delay_clock() -> None:
    """The time is that of the request, by the server's clock: 100 s behind, after 10 s."""
    clock = ServerClock(dotnet_ticks.PER_DAY, logging.getLogger(__name__))
    second = dotnet_ticks.PER_SECOND
    sent_at = clock.now() - 10 * second
    date = formatdate(time.time() - 100, usegmt=True)
    assert clock.time_of({"Date": date}, sent_at) <= sent_at - 100 * second + second // 10


def in_future(state: Json, stream: str, key: str) -> Json:
    """Return a state with a time of a stream a year ahead."""
    changed: Json = json.loads(json.dumps(state))
    entry = changed["bookmarks"][stream]
    value: Any = dotnet_ticks.now() + YEAR
    if key == "unread_parents":
        value = dict.fromkeys(entry[key], value)
    elif key == "replication_key_value" and isinstance(entry[key], str):
        value = str(value)
    if key == "pass_started":
        entry["resume"][key] = value
    else:
        entry[key] = value
    return changed


@pytest.mark.parametrize("stream", ["matters", "fees", "events"])
def test_bookmark_in_future_is_read_in_full(
    memory_firm: MemoryFirm, caplog: pytest.LogCaptureFixture, stream: str
) -> None:
    """The run says it, reads the stream in full, and leaves a bookmark that is true."""
    firm = memory_firm
    selection = small_catalog("matters", "fees", "contacts", "events")
    first = run(config(firm), catalog=selection)
    caplog.clear()
    second = run(config(firm), in_future(first.state, stream, "replication_key_value"), selection)
    assert second.status == 0
    assert second.ids(stream) == first.ids(stream)
    assert f"times in the future: {stream}." in caplog.text
    assert second.bookmark(stream)["replication_key_value"] is not None
    third = run(config(firm), second.state, selection)
    assert not third.ids("fees")


def test_resume_in_future_starts_over(memory_firm: MemoryFirm) -> None:
    firm = memory_firm
    last = sorted(each["row"]["id"] for each in firm.control.rows("matters"))[3]
    firm.control.fail(count=100, status=401, template=FEES, after=4)
    cut = run(config(firm, burst=1))
    firm.control.clear_faults()
    assert cut.bookmark("fees")["resume"]["last_parent_id"] == last
    output = run(config(firm), in_future(cut.state, "fees", "pass_started"))
    assert output.ids("fees").keys() == fee_ids(firm)


def test_unread_parent_in_future_is_read_in_full(memory_firm: MemoryFirm) -> None:
    """Nobody knows since when the rows of the parent are missing."""
    firm = memory_firm
    complete = run(config(firm, lookback_seconds=1))
    fee = firm.control.rows("fees")[0]
    firm.control.fail(count=1, status=403, template=FEES, path_contains=fee["parent"])
    denied = run(config(firm, lookback_seconds=1), complete.state)
    firm.control.clear_faults()
    state = in_future(denied.state, "fees", "unread_parents")
    assert fee["row"]["id"] in run(config(firm, lookback_seconds=1), state).ids("fees")


@pytest.mark.parametrize("key", ["changed_parents_until", "last_full_pass"])
def test_other_times_in_future_are_removed(memory_firm: MemoryFirm, key: str) -> None:
    """They would keep changed parents from being read first, and a stream from its turn."""
    firm = memory_firm
    selection = small_catalog("matters", "fees", "matter_roles")
    first = run(config(firm), catalog=selection)
    stream = "fees" if key == "changed_parents_until" else "matter_roles"
    second = run(config(firm), in_future(first.state, stream, key), selection)
    assert (second.bookmark(stream).get(key) or 0) <= dotnet_ticks.now()
