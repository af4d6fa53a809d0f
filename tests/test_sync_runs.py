"""The stream `sync_runs`: one row for each selected stream and run, made by the tap."""

from __future__ import annotations

import gzip
import json
import logging
import signal
from typing import TYPE_CHECKING

import pytest

from tap_smokeball import dotnet_ticks
from tap_smokeball.tap import TapSmokeball
from tests.harness import (
    DEFAULT_STREAMS,
    FEES,
    catalog,
    config,
    run,
    run_connection_test,
    run_plan,
    run_tap,
    run_until_time_limit,
    sandbox_rows,
)
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness import Json, Output

RUNS = "sync_runs"
LOGGED = catalog(wanted=["matters", "fees", RUNS])


@pytest.fixture(scope="module")
def shared_firm() -> MemoryFirm:
    return MemoryFirm(matters=8)


@pytest.fixture
def firm(shared_firm: MemoryFirm) -> Iterator[MemoryFirm]:
    """Yield the firm without the faults and counts of other tests."""
    shared_firm.control.clear_faults()
    shared_firm.control.reset_requests()
    yield shared_firm
    shared_firm.control.clear_faults()


def by_stream(output: Output) -> dict[str, Json]:
    """Return the rows of one run by their stream."""
    rows = output.records(RUNS)
    assert len({row["runId"] for row in rows}) == len({row["runStartedAt"] for row in rows}) == 1
    found = {row["stream"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def without_times(state: Json) -> str:
    """Return a state without the numbers in it, which differ between two runs."""
    return json.dumps({name: sorted(state["bookmarks"][name]) for name in state["bookmarks"]})


def test_run_log_is_selected_by_default(firm: MemoryFirm) -> None:
    """Each default stream has a row, also if nothing changed; the rows follow all others."""
    found = TapSmokeball(validate_config=False).catalog_dict
    first = run(config(firm), catalog=found)
    rows = by_stream(first)
    assert rows.keys() == set(DEFAULT_STREAMS)
    last_stream = [m["stream"] for m in first.messages if "stream" in m][-len(rows) :]
    assert set(last_stream) == {RUNS}
    for name, row in rows.items():
        assert (row["status"], row["error"], row["unreadParents"]) == ("complete", None, 0), name
        assert row["rowsRead"] == len(first.records(name)), name
        assert row["runStartedAt"] <= row["startedAt"] <= row["endedAt"], name
        assert row["loadedUntil"] <= row["startedAt"], name
    assert sum(row["requests"] for row in rows.values()) == sum(
        count for path, count in firm.control.requests()["by_template"].items() if "GET" in path
    )
    second = by_stream(run(config(firm), first.state, found))
    assert second["activity_codes"]["rowsRead"] == 0
    assert second["activity_codes"]["loadedUntil"] > rows["activity_codes"]["loadedUntil"]
    assert {r["runId"] for r in second.values()}.isdisjoint(r["runId"] for r in rows.values())


def test_run_log_changes_no_state_or_request(firm: MemoryFirm) -> None:
    """Without the stream, a run sends the same requests and has the same state."""
    outputs = [run(config(firm), catalog=each) for each in (LOGGED, catalog())]
    logged, plain = outputs
    assert firm.control.requests()["by_template"][FEES] == 2 * len(sandbox_rows(firm, "matters"))
    assert without_times(logged.state) == without_times(plain.state)
    kinds = [[m["type"] for m in each.messages if m.get("stream") != RUNS] for each in outputs]
    assert kinds[0].count("STATE") == kinds[1].count("STATE") + 1
    assert not plain.records(RUNS)


@pytest.mark.parametrize("failures", [0, 1])
def test_run_log_is_followed_by_last_state(firm: MemoryFirm, failures: int) -> None:
    """A target that forgets its state at each record, as target-jsonl does, has it at the end."""
    if failures:
        firm.control.fail(count=failures, status=400, template=FEES)
    messages = run(config(firm), catalog=LOGGED).messages
    states = [message["value"] for message in messages if message["type"] == "STATE"]
    assert messages[-1]["type"] == "STATE"
    assert states[-1] == states[-2]


def test_run_log_omits_deselected_parents(firm: MemoryFirm) -> None:
    """Matters are listed for the fees, but their table is not loaded."""
    output = run(config(firm), catalog=catalog(wanted=["fees", RUNS]))
    assert by_stream(output).keys() == {"fees"}


def test_run_log_alone_makes_no_request(firm: MemoryFirm, caplog: pytest.LogCaptureFixture) -> None:
    output = run(config(firm), catalog=catalog(wanted=[RUNS]))
    assert [message["type"] for message in output.messages] == ["SCHEMA"]
    assert "No stream is selected" in caplog.text
    assert firm.control.requests()["total"] == 0


def test_run_log_names_failed_streams(firm: MemoryFirm) -> None:
    firm.control.fail(count=1, status=400, template="GET /matters")
    output = run(config(firm), catalog=catalog(wanted=["staff", "matters", "fees", RUNS]))
    assert output.status == 1
    rows = by_stream(output)
    assert {name: (row["status"], row["error"]) for name, row in rows.items()} == {
        "matters": ("failed", "RequestRejectedError"),
        "staff": ("complete", None),
        "fees": ("failed", "ParentListError"),
    }
    times = ("startedAt", "endedAt", "loadedUntil", "bookmark")
    assert [rows["fees"][name] for name in times] == [None] * 4
    assert rows["matters"]["loadedUntil"] is None is rows["matters"]["bookmark"]


def test_run_log_counts_unread_parents(firm: MemoryFirm) -> None:
    [hidden, *_] = sandbox_rows(firm, "matters")
    path = hidden["row"]["id"]
    firm.control.fail(count=9, status=403, template=FEES, path_contains=path)
    row = by_stream(run(config(firm), catalog=LOGGED))["fees"]
    assert (row["status"], row["unreadParents"]) == ("complete", 1)


def test_run_log_survives_failed_login(firm: MemoryFirm) -> None:
    output = run(config(firm, client_secret="wrong"), catalog=LOGGED)  # noqa: S106 - not a secret
    assert output.status == 1
    assert {name: row["error"] for name, row in by_stream(output).items()} == {
        "matters": "AuthenticationError",
        "fees": "ParentListError",
    }


def test_run_log_has_nothing_for_another_firm(firm: MemoryFirm) -> None:
    """The first stream fails without a connection; only then the firm can be read."""
    selection = catalog(wanted=["staff", "stage_sets", RUNS])
    other = MemoryFirm(matters=1)
    other.control.reset(seed=99)
    for each in (firm, other):
        each.control.settings(opaque_tokens=True)
    state = run(config(firm), catalog=selection).state
    firm.control.settings(opaque_tokens=False)
    other.control.fail(count=1, how="reset", template="GET /firm")
    output = run(config(other, max_retries=0), state, selection)
    assert output.status == 1
    assert not output.messages_of_type("SCHEMA")
    assert not output.records(RUNS)


def test_run_log_is_written_after_signal(firm: MemoryFirm) -> None:
    def stop(message: Json) -> None:
        if message.get("stream") == "matters" and message["type"] == "RECORD":
            signal.raise_signal(signal.SIGTERM)

    output = run(config(firm), catalog=LOGGED, on_message=stop)
    assert output.status == 128 + signal.SIGTERM
    rows = by_stream(output)
    assert rows["fees"]["status"] == "pending"
    assert rows["matters"]["status"] in {"stopped", "complete"}


def test_run_log_of_resumed_pass_tells_its_start(firm: MemoryFirm) -> None:
    """A pass over several runs is as old as its start, whenever it is completed."""
    firm.control.settings(latency_ms=200)
    try:
        cut = run_until_time_limit(config(firm, burst=1), catalog=LOGGED)
    finally:
        firm.control.settings(latency_ms=0)
    row = by_stream(cut)["fees"]
    assert (row["status"], row["loadedUntil"]) == ("time_limit", None)
    started = cut.bookmark("fees")["resume"]["pass_started"]
    row = by_stream(run(config(firm), cut.state, LOGGED))["fees"]
    assert (row["status"], row["loadedUntil"]) == ("complete", dotnet_ticks.to_column(started))
    assert row["loadedUntil"] < row["runStartedAt"]


def test_run_log_uses_the_earlier_clock(firm: MemoryFirm) -> None:
    """A machine's clock that is ahead does not make a table look newer."""
    firm.control.settings(clock_offset_seconds=-600)
    try:
        row = by_stream(run(config(firm), catalog=catalog(wanted=["staff", RUNS])))["staff"]
    finally:
        firm.control.settings(clock_offset_seconds=0)
    until, started = (dotnet_ticks.from_rfc3339(row[n]) for n in ("loadedUntil", "startedAt"))
    assert 595 < (started - until) / dotnet_ticks.PER_SECOND < 605


def test_run_log_keeps_rows_of_earlier_runs(firm: MemoryFirm) -> None:
    """A version of the table would delete them, whatever method the catalog names."""
    selection = catalog(wanted=["staff", RUNS])
    for entry in selection["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    output = run(config(firm, emit_activate_version_messages=True), catalog=selection)
    assert [m["stream"] for m in output.messages_of_type("ACTIVATE_VERSION")] == ["staff"]
    assert not any("version" in m for m in output.messages if m.get("stream") == RUNS)


def test_run_log_takes_stream_maps(firm: MemoryFirm) -> None:
    """It has the names of the tap's streams, and can be renamed, hashed and keyed itself."""
    maps = {
        "fees": {"__alias__": "time_entries"},
        RUNS: {"__alias__": "loads", "firm": "'a'", "__key_properties__": ["firm", "runId"]},
    }
    output = run(config(firm, stream_maps=maps), catalog=LOGGED)
    assert [(r["stream"], r["firm"]) for r in output.records("loads")] == [
        ("matters", "a"),
        ("fees", "a"),
    ]


def test_run_log_with_failing_map_fails_alone(
    firm: MemoryFirm, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    maps = {RUNS: {"error": "error.lower()"}}
    output = run(config(firm, stream_maps=maps), catalog=LOGGED)
    assert (output.status, output.stderr) == (1, "1 of 3 streams failed: sync_runs")
    assert "an expression for stream `sync_runs` fails" in caplog.text
    assert len(output.records("fees")) == len(sandbox_rows(firm, "fees"))
    assert '"sync_runs":{"rows":0' in caplog.text


def test_run_log_is_batched(firm: MemoryFirm, tmp_path: Path) -> None:
    settings = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
    }
    output = run(config(firm, batch_config=settings), catalog=LOGGED)
    assert output.status == 0
    [batch] = [m for m in output.messages_of_type("BATCH") if m["stream"] == RUNS]
    [file] = batch["manifest"]
    lines = gzip.decompress((tmp_path / file.rsplit("/", 1)[1]).read_bytes()).splitlines()
    assert [json.loads(line)["stream"] for line in lines] == ["matters", "fees"]
    assert RUNS not in output.state["bookmarks"]


def test_run_log_without_deselected_columns(firm: MemoryFirm) -> None:
    selection = catalog(wanted=["staff", RUNS], deselect=[f"{RUNS}.error"])
    output = run(config(firm), catalog=selection)
    [schema] = [m for m in output.messages_of_type("SCHEMA") if m["stream"] == RUNS]
    [record] = output.records(RUNS)
    assert record.keys() == schema["schema"]["properties"].keys()
    assert "error" not in record


def test_run_log_is_no_part_of_plan_and_test(
    firm: MemoryFirm, capsys: pytest.CaptureFixture[str]
) -> None:
    assert RUNS not in run_plan(config(firm), catalog=LOGGED).stdout
    tested = run_connection_test(config(firm), LOGGED)
    assert tested.status == 0
    assert RUNS not in {message.get("stream") for message in tested.messages}
    assert RUNS not in capsys.readouterr().out


def test_run_log_of_sdk_run_has_no_rows(firm: MemoryFirm) -> None:
    """The SDK syncs the streams by name, and says to none that it is the last."""
    selection = catalog(wanted=["fees", RUNS, "tasks"])
    output = run_tap(TapSmokeball.sync_all, config(firm), None, selection)
    assert output.records("fees")
    assert not output.records(RUNS)
    assert RUNS not in output.state["bookmarks"]
