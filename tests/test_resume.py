"""An interrupted pass goes on where it was, and loses nothing."""

from __future__ import annotations

import json
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from smokeball_sandbox import SandboxServer
from tests.harness import FEES, asked, catalog, config, cut_short, run, truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartFirm
    from tests.harness import Json, Output, Process

pytestmark = pytest.mark.slow


def everything(firm: SandboxServer, stream: str) -> set[str]:
    return {entry["row"]["id"] for entry in truth(firm, stream)}


def test_a_kill_in_the_middle_costs_little_and_loses_nothing(
    start: StartFirm, process: Process
) -> None:
    firm = start(matters=600, fees=1, exact_fees=True, latency_ms=5)
    first = process.run_until(config(firm), lambda: asked(firm, FEES) >= 300, signal.SIGKILL)
    assert first.status == -signal.SIGKILL
    assert first.bookmark("fees").keys() == {"resume"}
    second = process.run(config(firm), state=first.state)
    assert second.status == 0
    assert asked(firm, FEES) <= 600 * 1.3
    for stream in ("matters", "fees"):
        assert first.ids(stream).keys() | second.ids(stream).keys() == everything(firm, stream)
    assert "resume" not in second.bookmark("fees")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_with_a_state_that_wastes_nothing(
    start: StartFirm, process: Process, number: int
) -> None:
    firm = start(matters=300, fees=1, exact_fees=True, latency_ms=20)
    first = process.run_until(config(firm), lambda: asked(firm, FEES) >= 100, number)
    assert first.status == 128 + number
    assert "Traceback" not in first.stderr
    assert "stopped, goes on next time" in first.stderr
    resume = first.bookmark("fees")["resume"]
    assert {r["matterId"] for r in first.records("fees")} >= {resume["after"]}
    second = process.run(config(firm), state=first.state)
    twice = first.ids("fees") + second.ids("fees")
    assert twice.keys() == everything(firm, "fees")
    assert sum(twice.values()) <= 301


def test_a_signal_while_the_server_hangs(start: StartFirm, process: Process) -> None:
    firm = start(matters=20, fees=1, exact_fees=True)
    firm.control.fail(count=100, how="hang", seconds=30, template=FEES)
    output = process.run_until(config(firm), lambda: asked(firm, FEES) >= 5, signal.SIGTERM)
    assert output.status == 128 + signal.SIGTERM
    assert len(output.records("matters")) == 20
    assert "replication_key_value" in output.bookmark("matters")


def test_a_time_limit_stops_cleanly_and_the_next_runs_go_on(
    start: StartFirm,
) -> None:
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
    assert fees == dict.fromkeys(everything(firm, "fees"), 1)
    assert asked(firm, FEES) == 80
    began = next(o.records("fees")[0]["extractedTicks"] for o in outputs if o.records("fees"))
    assert outputs[-1].bookmark("fees")["replication_key_value"] == began


def test_a_time_limit_of_nothing_does_no_harm(start: StartFirm) -> None:
    firm = start(matters=5, fees=1, exact_fees=True)
    first = run(config(firm))
    output = run(config(firm, max_run_minutes=1e-9), first.state)
    assert output.status == 0
    assert output.state == first.state


def test_what_changes_behind_the_place_of_a_pass_is_the_next_passes(start: StartFirm) -> None:
    firm = start(matters=80, fees=1, exact_fees=True, latency_ms=25)
    settings = config(firm, lookback_seconds=0, burst=1)
    first = cut_short(settings)
    done = first.bookmark("fees")["resume"]["after"]
    behind = next(e for e in truth(firm, "fees") if e["parent"] < done)
    firm.control.touch("fees", behind["row"]["id"], set={"subject": "Late"})
    new = firm.control.add("fees", parent=behind["parent"])
    second = run(settings, first.state)
    assert behind["row"]["id"] not in second.ids("fees")
    third = run(settings, second.state)
    assert third.ids("fees").keys() >= {behind["row"]["id"], new["row"]["id"]}


def test_a_pass_through_another_view_is_not_gone_on_with(start: StartFirm) -> None:
    firm = start(matters=80, fees=1, exact_fees=True, latency_ms=25)
    first = cut_short(config(firm, include_leads=False, burst=1))
    assert "resume" in first.bookmark("fees")
    second = run(config(firm), first.state)
    assert second.ids("fees").keys() == everything(firm, "fees")


def test_a_table_that_is_replaced_is_never_replaced_by_half(start: StartFirm) -> None:
    firm = start(matters=80, fees=1, exact_fees=True, latency_ms=25)
    full = catalog(metadata={"fees": {"forced-replication-method": "FULL_TABLE"}})
    for stream in full["streams"]:
        stream.pop("replication_method")
    settings = config(firm, emit_activate_version_messages=True)
    first = cut_short({**settings, "burst": 1}, catalog=full)
    assert "resume" in first.bookmark("fees")
    second = run(settings, first.state, full)
    assert second.of("ACTIVATE_VERSION")
    assert second.ids("fees").keys() == everything(firm, "fees")


def test_a_failure_keeps_the_place_and_the_bookmark(start: StartFirm) -> None:
    firm = start(matters=200, fees=1, exact_fees=True)
    firm.control.fail(count=1, how="status", status=400, template=FEES, after=150)
    first = run(config(firm, burst=1))
    assert first.status == 1
    assert "replication_key_value" not in first.bookmark("fees")
    assert "replication_key_value" in first.bookmark("matters")
    second = run(config(firm, burst=1), first.state)
    assert second.status == 0
    assert first.ids("fees").keys() | second.ids("fees").keys() == everything(firm, "fees")
    assert asked(firm, FEES) <= 205


@pytest.fixture(scope="module")
def firm() -> Iterator[SandboxServer]:
    with SandboxServer(matters=70, fees=1, exact_fees=True) as firm:
        yield firm


happenings = st.lists(
    st.tuples(
        st.sampled_from(["fee", "matter", "new fee", "new matter", "convert", "delete fee"]),
        st.integers(0, 69),
    ),
    max_size=4,
)


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(runs=st.lists(st.tuples(st.integers(1, 160), happenings), min_size=1, max_size=5))
def test_nothing_is_lost_however_often_the_target_dies(
    firm: SandboxServer, runs: list[tuple[int, list[tuple[str, int]]]]
) -> None:
    """After a pass that began after the last change, the target has what the sandbox has.

    Each run ends after a number of messages; what was written up to its last STATE is what a
    target has kept for certain. Between the runs rows change, behind and before the place of the
    pass. The pass under way is finished first, so the last pass is the second last run's or the
    last's.
    """
    delivered: dict[str, dict[str, Any]] = {"matters": {}, "fees": {}}
    state: Json | None = None
    settings = config(firm, lookback_seconds=0)

    def take(output: Output) -> None:
        for message in output.of("RECORD"):
            delivered[message["stream"]][message["record"]["id"]] = message["record"]

    for crash_at, changes in runs:
        output = run(settings, state, crash_at=crash_at)
        take(output)  # at least once: what came after the last STATE may stay in the target
        state = output.state or state
        for what, nth in changes:
            change(firm, what, nth)
    for _ in range(2):
        last = run(settings, state)
        assert last.status == 0
        take(last)
        state = last.state
    for stream, rows in delivered.items():
        now = {entry["row"]["id"]: entry["row"]["versionId"] for entry in truth(firm, stream)}
        assert {key: rows.get(key, {}).get("versionId") for key in now} == now


def change(firm: SandboxServer, what: str, nth: int) -> None:
    fees, matters = truth(firm, "fees"), truth(firm, "matters")
    leads = [entry for entry in matters if entry["row"]["isLead"]]
    fee, matter = fees[nth % len(fees)]["row"]["id"], matters[nth % len(matters)]["row"]["id"]
    if what == "fee":
        firm.control.touch("fees", fee, set={"subject": f"Changed {nth}"})
    elif what == "matter":
        firm.control.touch("matters", matter, set={"description": f"Changed {nth}"})
    elif what == "new fee":
        firm.control.add("fees", parent=matter)
    elif what == "new matter":
        firm.control.add("fees", parent=firm.control.add("matters")["row"]["id"])
    elif what == "convert" and leads:
        firm.control.convert(leads[nth % len(leads)]["row"]["id"])
    elif what == "delete fee":
        firm.control.delete("fees", fee, hard=False)


def test_the_state_stays_small(start: StartFirm) -> None:
    firm = start(matters=2000, fees=1, exact_fees=True)
    output = run(config(firm))
    states = [json.dumps(message, separators=(",", ":")) for message in output.of("STATE")]
    assert sum(map(len, states)) < 100_000 / 4
    assert max(map(len, states)) < 1000
