"""The line of JSON that a run ends with, for machines."""

from __future__ import annotations

import json
import logging
import signal
from typing import TYPE_CHECKING

import pytest
from singer_sdk.logging import StructuredFormatter

from tap_smokeball import dotnet_ticks
from tests.harness import FEES, MATTERS, asked, catalog, config, cut_short, run

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json, Process

OF_A_RUN = {
    "version",
    "exit_status",
    "complete",
    "stopped_by",
    "signal",
    "max_run_seconds",
    "began",
    "duration_seconds",
    "rows",
    "requests",
    "retries",
    "repaged_seams",
    "logins",
    "streams",
}
OF_A_STREAM = {
    "rows",
    "requests",
    "retries",
    "repaged_seams",
    "resumed",
    "duration_seconds",
    "watermark",
    "ended",
    "error",
}


def summaries(text: str) -> list[Json]:
    points = [
        json.loads(line.split("METRIC: ", 1)[1]) for line in text.splitlines() if "METRIC: " in line
    ]
    return [point for point in points if point["metric"] == "run_summary"]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def last(log: pytest.LogCaptureFixture) -> Json:
    value: Json = summaries(log.text)[-1]["value"]
    return value


def test_a_complete_run(firm: SandboxServer, process: Process) -> None:
    output = process.run(config(firm))
    (point,) = summaries(output.stderr)
    assert (point["type"], point["tags"]["status"]) == ("summary", "succeeded")
    value = point["value"]
    assert value.keys() == OF_A_RUN
    assert value["streams"].keys() == {"matters", "fees"}
    assert all(stream.keys() == OF_A_STREAM for stream in value["streams"].values())
    assert (value["exit_status"], value["complete"], value["stopped_by"]) == (0, True, None)
    assert (value["rows"], value["requests"], value["logins"]) == (48, 13, 1)
    assert (value["retries"], value["repaged_seams"]) == (0, 0)
    fees = value["streams"]["fees"]
    assert (fees["rows"], fees["requests"], fees["ended"]) == (36, 12, "complete")
    assert (fees["resumed"], fees["error"]) == (False, None)
    bookmark = output.bookmark("fees")["replication_key_value"]
    assert fees["watermark"] == dotnet_ticks.to_rfc3339(bookmark)
    assert value["began"] < dotnet_ticks.to_rfc3339(dotnet_ticks.now())
    assert 0 < fees["duration_seconds"] < value["duration_seconds"]


def test_it_is_a_metric_of_the_sdk_also_in_structured_logs(
    firm: SandboxServer, log: pytest.LogCaptureFixture
) -> None:
    run(config(firm))
    record = next(r for r in log.records if "run_summary" in r.getMessage())
    assert record.name == "singer_sdk.metrics"
    told = json.loads(StructuredFormatter().format(record))
    assert told["message"] == "METRIC"
    assert told["metric_info"]["metric"] == "run_summary"
    assert told["metric_info"]["value"]["requests"] == 13


def test_retries_are_counted(firm: SandboxServer, log: pytest.LogCaptureFixture) -> None:
    firm.control.fail(count=2, how="reset", template=FEES)
    run(config(firm))
    value = last(log)
    assert value["retries"] == value["streams"]["fees"]["retries"] == 2
    assert value["streams"]["fees"]["requests"] == asked(firm, FEES) == 14


def test_seams_that_moved_are_counted(start: StartFirm, log: pytest.LogCaptureFixture) -> None:
    firm = start(matters=60)
    moves = [
        {"command": "touch", "resource": "matters", "position": at, "set": {"description": "New"}}
        for at in (1, 1, 1)
    ]
    firm.control.schedule(MATTERS, moves, nth=2, when="before")
    run(config(firm, page_size=10), catalog=catalog(deselect=["fees"]))
    assert last(log)["repaged_seams"] == last(log)["streams"]["matters"]["repaged_seams"] == 1


def test_a_failed_stream(firm: SandboxServer, log: pytest.LogCaptureFixture) -> None:
    firm.control.settings(scopes=["matters/read"])
    run(config(firm))
    (point,) = summaries(log.text)
    assert point["tags"]["status"] == "failed"
    assert (point["value"]["exit_status"], point["value"]["complete"]) == (1, False)
    fees = point["value"]["streams"]["fees"]
    assert (fees["ended"], fees["error"], fees["watermark"]) == (
        "failed",
        "AccessDeniedError",
        None,
    )
    assert point["value"]["streams"]["matters"]["ended"] == "complete"


def test_children_of_a_list_that_failed(firm: SandboxServer, log: pytest.LogCaptureFixture) -> None:
    firm.control.settings(scopes=["fees/read"])
    run(config(firm))
    fees = last(log)["streams"]["fees"]
    assert (fees["ended"], fees["error"]) == ("failed", "matters could not be listed")


def test_a_time_limit_and_what_goes_on_after_it(
    start: StartFirm, log: pytest.LogCaptureFixture
) -> None:
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=25)
    first = cut_short(config(firm, burst=1))
    value = last(log)
    assert (value["exit_status"], value["complete"], value["stopped_by"]) == (
        0,
        False,
        "time_limit",
    )
    assert value["max_run_seconds"] >= 1
    assert (value["streams"]["fees"]["ended"], value["streams"]["fees"]["resumed"]) == (
        "time_limit",
        False,
    )
    run(config(firm), first.state)
    value = last(log)
    assert (value["complete"], value["stopped_by"]) == (True, None)
    assert (value["streams"]["fees"]["resumed"], value["streams"]["fees"]["ended"]) == (
        True,
        "complete",
    )


def test_a_limit_that_reaches_nothing(firm: SandboxServer, log: pytest.LogCaptureFixture) -> None:
    run(config(firm, max_run_minutes=1e-9))
    value = last(log)
    assert (value["complete"], value["stopped_by"], value["requests"]) == (False, "time_limit", 0)
    assert {stream["ended"] for stream in value["streams"].values()} == {"not_reached"}


def test_a_signal(start: StartFirm, log: pytest.LogCaptureFixture) -> None:
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=10)

    told: list[Json] = []

    def stop(message: Json) -> None:
        if not told and message["type"] == "RECORD" and message["stream"] == "fees":
            told.append(message)  # a second signal would end the process at once
            signal.raise_signal(signal.SIGTERM)

    output = run(config(firm), on_message=stop)
    value = last(log)
    assert output.status == value["exit_status"] == 143
    assert (value["signal"], value["stopped_by"], value["complete"]) == (15, "signal", False)
    assert value["streams"]["fees"]["ended"] == "stopped"


def test_a_target_that_dies(firm: SandboxServer, log: pytest.LogCaptureFixture) -> None:
    assert run(config(firm), crash_at=30).status == -signal.SIGKILL
    value = last(log)
    assert (value["exit_status"], value["complete"]) == (1, False)
    assert value["streams"]["fees"]["ended"] == "begun"
    assert value["streams"]["matters"]["ended"] == "complete"
