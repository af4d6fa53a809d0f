"""An interrupted full pass resumes at its position, and loses no row."""

from __future__ import annotations

import json
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from smokeball_sandbox import SandboxServer
from tests.harness import (
    FEES,
    catalog,
    config,
    request_count,
    run,
    run_until_time_limit,
    sandbox_rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartFirm
    from tests.harness import Json, Output, Process

pytestmark = pytest.mark.slow


def all_ids(firm: SandboxServer, stream: str) -> set[str]:
    return {entry["row"]["id"] for entry in sandbox_rows(firm, stream)}


def test_killed_run_resumes_near_last_position(start: StartFirm, process: Process) -> None:
    """After SIGKILL the next run repeats few requests and loses no row."""
    firm = start(matters=600, fees=1, exact_fees=True, latency_ms=5)
    first = process.run_and_signal(
        config(firm), lambda: request_count(firm, FEES) >= 300, signal.SIGKILL
    )
    assert first.status == -signal.SIGKILL
    assert first.bookmark("fees").keys() == {"resume"}
    second = process.run(config(firm), state=first.state)
    assert second.status == 0
    assert request_count(firm, FEES) <= 600 * 1.3
    for stream in ("matters", "fees"):
        assert first.ids(stream).keys() | second.ids(stream).keys() == all_ids(firm, stream)
    assert "resume" not in second.bookmark("fees")


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_signal_saves_resume_position(
    start: StartFirm, process: Process, signal_number: int
) -> None:
    """After a signal the next run repeats at most one matter."""
    firm = start(matters=300, fees=1, exact_fees=True, latency_ms=20)
    first = process.run_and_signal(
        config(firm), lambda: request_count(firm, FEES) >= 100, signal_number
    )
    assert first.status == 128 + signal_number
    assert "Traceback" not in first.stderr
    assert "stopped; will resume" in first.stderr
    resume = first.bookmark("fees")["resume"]
    assert {r["matterId"] for r in first.records("fees")} >= {resume["last_parent_id"]}
    second = process.run(config(firm), state=first.state)
    fee_counts = first.ids("fees") + second.ids("fees")
    assert fee_counts.keys() == all_ids(firm, "fees")
    assert sum(fee_counts.values()) <= 301


def test_signal_ends_run_while_server_hangs(start: StartFirm, process: Process) -> None:
    firm = start(matters=20, fees=1, exact_fees=True)
    firm.control.fail(count=100, how="hang", seconds=30, template=FEES)
    output = process.run_and_signal(
        config(firm), lambda: request_count(firm, FEES) >= 5, signal.SIGTERM
    )
    assert output.status == 128 + signal.SIGTERM
    assert len(output.records("matters")) == 20
    assert "replication_key_value" in output.bookmark("matters")


def test_time_limit_runs_continue_full_pass(
    start: StartFirm,
) -> None:
    """Runs with a time limit read each fee once, and then set the bookmark."""
    firm = start(matters=80, fees=1, exact_fees=True, latency_ms=25)
    limited = config(firm, burst=1, max_run_minutes=1 / 60)
    outputs: list[Output] = []
    state: Json | None = None
    while not outputs or "replication_key_value" not in outputs[-1].bookmark("fees"):
        outputs.append(run(limited, state))
        assert outputs[-1].status == 0
        state = outputs[-1].state
    assert len(outputs) > 1
    fees = sum((output.ids("fees") for output in outputs), Counter[str]())
    assert fees == dict.fromkeys(all_ids(firm, "fees"), 1)
    assert request_count(firm, FEES) == 80
    pass_started = next(
        o.records("fees")[0]["extractedTicks"] for o in outputs if o.records("fees")
    )
    assert outputs[-1].bookmark("fees")["replication_key_value"] == pass_started


def test_time_limit_near_zero_keeps_state(start: StartFirm) -> None:
    firm = start(matters=5, fees=1, exact_fees=True)
    first = run(config(firm))
    output = run(config(firm, max_run_minutes=1e-9), first.state)
    assert output.status == 0
    assert output.state == first.state


def test_change_before_position_is_read_next_pass(start: StartFirm) -> None:
    """A change before the resume position arrives with the next full pass."""
    firm = start(matters=80, fees=1, exact_fees=True, latency_ms=25)
    settings = config(firm, lookback_seconds=0, burst=1)
    first = run_until_time_limit(settings)
    last_parent_id = first.bookmark("fees")["resume"]["last_parent_id"]
    earlier_fee = next(e for e in sandbox_rows(firm, "fees") if e["parent"] < last_parent_id)
    firm.control.touch("fees", earlier_fee["row"]["id"], set={"subject": "Late"})
    new = firm.control.add("fees", parent=earlier_fee["parent"])
    second = run(settings, first.state)
    assert earlier_fee["row"]["id"] not in second.ids("fees")
    third = run(settings, second.state)
    assert third.ids("fees").keys() >= {earlier_fee["row"]["id"], new["row"]["id"]}


def test_changed_view_restarts_full_pass(start: StartFirm) -> None:
    """A full pass of another view is not resumed."""
    firm = start(matters=80, fees=1, exact_fees=True, latency_ms=25)
    first = run_until_time_limit(config(firm, include_leads=False, burst=1))
    assert "resume" in first.bookmark("fees")
    second = run(config(firm), first.state)
    assert second.ids("fees").keys() == all_ids(firm, "fees")


def test_full_table_is_activated_when_complete(start: StartFirm) -> None:
    """A resumed FULL_TABLE stream starts again and emits all rows."""
    firm = start(matters=80, fees=1, exact_fees=True, latency_ms=25)
    full = catalog(metadata={"fees": {"forced-replication-method": "FULL_TABLE"}})
    for stream in full["streams"]:
        stream.pop("replication_method")
    settings = config(firm, emit_activate_version_messages=True)
    first = run_until_time_limit({**settings, "burst": 1}, catalog=full)
    assert "resume" in first.bookmark("fees")
    second = run(settings, first.state, full)
    assert second.messages_of_type("ACTIVATE_VERSION")
    assert second.ids("fees").keys() == all_ids(firm, "fees")


def test_failed_stream_keeps_resume_position(start: StartFirm) -> None:
    """It fails at 20 matters in a row that fail alike, and resumes before them."""
    firm = start(matters=200, fees=1, exact_fees=True)
    firm.control.fail(count=1000, how="status", status=400, template=FEES, after=150)
    first = run(config(firm, burst=1))
    assert first.status == 1
    assert len(first.ids("fees")) == 150
    firm.control.clear_faults()
    assert "replication_key_value" not in first.bookmark("fees")
    assert "replication_key_value" in first.bookmark("matters")
    second = run(config(firm, burst=1), first.state)
    assert second.status == 0
    assert first.ids("fees").keys() | second.ids("fees").keys() == all_ids(firm, "fees")
    assert request_count(firm, FEES) <= 200 + 20 + 20  # those in a row, and those ahead of them


@pytest.fixture(scope="module")
def firm() -> Iterator[SandboxServer]:
    with SandboxServer(matters=70, fees=1, exact_fees=True) as firm:
        yield firm


change_lists = st.lists(
    st.tuples(
        st.sampled_from(["fee", "matter", "new fee", "new matter", "convert", "delete fee"]),
        st.integers(0, 69),
    ),
    max_size=4,
)


@settings(
    max_examples=10,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(runs=st.lists(st.tuples(st.integers(1, 160), change_lists), min_size=1, max_size=5))
def test_repeated_target_crashes_lose_no_row(
    firm: SandboxServer, runs: list[tuple[int, list[tuple[str, int]]]]
) -> None:
    """After a pass that starts after the last change, the target has all rows.

    Each run ends after a number of messages. A target certainly keeps the rows up to the last
    STATE. Between the runs rows change, before and after the position of the pass. Two more runs
    finish the pass in progress and make a complete one.
    """
    delivered: dict[str, dict[str, Any]] = {"matters": {}, "fees": {}}
    state: Json | None = None
    settings = config(firm, lookback_seconds=0)

    def deliver(output: Output) -> None:
        for message in output.messages_of_type("RECORD"):
            delivered[message["stream"]][message["record"]["id"]] = message["record"]

    for crash_at, changes in runs:
        output = run(settings, state, crash_at=crash_at)
        deliver(output)  # at least once: a target may keep rows after the last STATE
        state = output.state or state
        for change, nth in changes:
            apply_change(firm, change, nth)
    for _ in range(2):
        last = run(settings, state)
        assert last.status == 0
        deliver(last)
        state = last.state
    for stream, rows in delivered.items():
        expected = {
            entry["row"]["id"]: entry["row"]["versionId"] for entry in sandbox_rows(firm, stream)
        }
        assert {key: rows.get(key, {}).get("versionId") for key in expected} == expected


def apply_change(firm: SandboxServer, change: str, nth: int) -> None:
    fees, matters = sandbox_rows(firm, "fees"), sandbox_rows(firm, "matters")
    leads = [entry for entry in matters if entry["row"]["isLead"]]
    fee, matter = fees[nth % len(fees)]["row"]["id"], matters[nth % len(matters)]["row"]["id"]
    if change == "fee":
        firm.control.touch("fees", fee, set={"subject": f"Changed {nth}"})
    elif change == "matter":
        firm.control.touch("matters", matter, set={"description": f"Changed {nth}"})
    elif change == "new fee":
        firm.control.add("fees", parent=matter)
    elif change == "new matter":
        firm.control.add("fees", parent=firm.control.add("matters")["row"]["id"])
    elif change == "convert" and leads:
        firm.control.convert(leads[nth % len(leads)]["row"]["id"])
    elif change == "delete fee":
        firm.control.delete("fees", fee, hard=False)


def test_state_of_large_firm_stays_small(start: StartFirm) -> None:
    firm = start(matters=2000, fees=1, exact_fees=True)
    output = run(config(firm))
    states = [
        json.dumps(message, separators=(",", ":")) for message in output.messages_of_type("STATE")
    ]
    assert sum(map(len, states)) < 100_000
    assert max(map(len, states)) < 2_100  # 1,400 of them for the digest of the matters
