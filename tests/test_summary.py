"""The run_summary metric, a JSON line at the end of a run."""

from __future__ import annotations

import json
import logging
import signal
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from singer_sdk.logging import StructuredFormatter

from scripts.report_schemas import schemas
from tap_smokeball import dotnet_ticks
from tests.harness import FEES, MATTERS, catalog, config, request_count, run, run_until_time_limit

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json, Process


def parse_metrics(text: str) -> list[Json]:
    return [
        json.loads(line.split("METRIC: ", 1)[1]) for line in text.splitlines() if "METRIC: " in line
    ]


def parse_summaries(text: str) -> list[Json]:
    return [point for point in parse_metrics(text) if point["metric"] == "run_summary"]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def last_summary(log: pytest.LogCaptureFixture) -> Json:
    value: Json = parse_summaries(log.text)[-1]["value"]
    return value


def test_summary_of_complete_run_has_all_fields(firm: SandboxServer, process: Process) -> None:
    """The metric has all fields, and matches the bookmarks and counters."""
    output = process.run(config(firm))
    (point,) = parse_summaries(output.stderr)
    assert (point["type"], point["tags"]["status"]) == ("summary", "succeeded")
    value = point["value"]
    schema = json.loads(schemas()["docs/schemas/run_summary.json"])
    Draft202012Validator(schema).validate(value)
    fields = schema["$defs"]["RunSummary"]["properties"]
    assert value.keys() == fields.keys(), "the summary has a field that its schema lacks"
    assert value["streams"].keys() == {"matters", "fees"}
    assert (value["exit_status"], value["complete"], value["stopped_by"]) == (0, True, None)
    assert (value["rows"], value["requests"], value["token_requests"]) == (48, 13, 1)
    assert (value["retries"], value["pagination_rewinds"]) == (0, 0)
    fees = value["streams"]["fees"]
    assert (fees["rows"], fees["requests"], fees["status"]) == (36, 12, "complete")
    assert (fees["resumed"], fees["error"]) == (False, None)
    bookmark = output.bookmark("fees")["replication_key_value"]
    assert fees["bookmark"] == dotnet_ticks.to_rfc3339(bookmark)
    assert value["started_at"] < dotnet_ticks.to_rfc3339(dotnet_ticks.now())
    assert 0 < fees["duration_seconds"] < value["duration_seconds"]
    assert value["failure"] is None
    assert "replication_key_value" in fees["state_digest"]


def test_summary_is_sdk_metric_in_structured_logs(
    firm: SandboxServer, log: pytest.LogCaptureFixture
) -> None:
    run(config(firm))
    record = next(r for r in log.records if "run_summary" in r.getMessage())
    assert record.name == "singer_sdk.metrics"
    line = json.loads(StructuredFormatter().format(record))
    assert line["message"] == "METRIC"
    assert line["metric_info"]["metric"] == "run_summary"
    assert line["metric_info"]["value"]["requests"] == 13


def test_summary_counts_retries(firm: SandboxServer, log: pytest.LogCaptureFixture) -> None:
    firm.control.fail(count=2, how="reset", template=FEES)
    run(config(firm))
    value = last_summary(log)
    assert value["retries"] == value["streams"]["fees"]["retries"] == 2
    assert value["retries_by_cause"] == {"no connection": 2}
    assert value["streams"]["fees"]["retries_by_cause"] == {"no connection": 2}
    assert value["streams"]["fees"]["requests"] == request_count(firm, FEES) == 14


def test_summary_counts_pagination_rewinds(start: StartFirm, log: pytest.LogCaptureFixture) -> None:
    firm = start(matters=60)
    moves = [
        {"command": "touch", "resource": "matters", "position": at, "set": {"description": "New"}}
        for at in (1, 1, 1)
    ]
    firm.control.schedule(MATTERS, moves, nth=2, when="before")
    run(config(firm, page_size=10), catalog=catalog(deselect=["fees"]))
    assert (
        last_summary(log)["pagination_rewinds"]
        == last_summary(log)["streams"]["matters"]["pagination_rewinds"]
        == 1
    )


def test_summary_reports_failed_stream(firm: SandboxServer, log: pytest.LogCaptureFixture) -> None:
    firm.control.settings(scopes=["matters/read"])
    run(config(firm))
    (point,) = parse_summaries(log.text)
    assert point["tags"]["status"] == "failed"
    assert (point["value"]["exit_status"], point["value"]["complete"]) == (1, False)
    timers = {
        metric["tags"]["stream"]: metric["tags"]["status"]
        for metric in parse_metrics(log.text)
        if metric["type"] == "timer"
    }
    assert timers == {"matters": "succeeded", "fees": "failed"}
    fees = point["value"]["streams"]["fees"]
    assert (fees["status"], fees["error"], fees["bookmark"]) == (
        "failed",
        "AccessDeniedError",
        None,
    )
    assert point["value"]["streams"]["matters"]["status"] == "complete"
    failure = point["value"]["failure"]
    assert (failure["error"], failure["stream"]) == ("AccessDeniedError", "fees")
    assert "fees/read" in failure["advice"]
    assert failure["is_permanent"]


def test_summary_of_outage_is_not_permanent(
    firm: SandboxServer, log: pytest.LogCaptureFixture
) -> None:
    firm.control.fail(how="status", status=400, template=MATTERS, count=1)
    run(config(firm))
    failure = last_summary(log)["failure"]
    assert (failure["stream"], failure["is_permanent"]) == ("matters", False)


def test_summary_reports_children_of_failed_list(
    firm: SandboxServer, log: pytest.LogCaptureFixture
) -> None:
    firm.control.settings(scopes=["fees/read"])
    run(config(firm))
    fees = last_summary(log)["streams"]["fees"]
    assert (fees["status"], fees["error"]) == ("failed", "ParentListError")


def test_summary_reports_time_limit_and_resume(
    start: StartFirm, log: pytest.LogCaptureFixture
) -> None:
    """The stream ends with time_limit, and the next run is resumed."""
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=25)
    first = run_until_time_limit(config(firm, burst=1))
    value = last_summary(log)
    assert (value["exit_status"], value["complete"], value["stopped_by"]) == (
        0,
        False,
        "time_limit",
    )
    assert value["max_run_seconds"] >= 1
    assert (value["streams"]["fees"]["status"], value["streams"]["fees"]["resumed"]) == (
        "time_limit",
        False,
    )
    assert "resume.last_parent_id" in value["streams"]["fees"]["state_digest"]
    run(config(firm), first.state)
    value = last_summary(log)
    assert (value["complete"], value["stopped_by"]) == (True, None)
    assert (value["streams"]["fees"]["resumed"], value["streams"]["fees"]["status"]) == (
        True,
        "complete",
    )


def test_summary_reports_streams_not_started(
    firm: SandboxServer, log: pytest.LogCaptureFixture
) -> None:
    run(config(firm, max_run_minutes=1e-9))
    value = last_summary(log)
    assert (value["complete"], value["stopped_by"], value["requests"]) == (False, "time_limit", 0)
    assert {stream["status"] for stream in value["streams"].values()} == {"pending"}


def test_summary_reports_signal(start: StartFirm, log: pytest.LogCaptureFixture) -> None:
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=10)

    received: list[Json] = []

    def send_signal(message: Json) -> None:
        if not received and message["type"] == "RECORD" and message["stream"] == "fees":
            received.append(message)  # a second signal would end the process at once
            signal.raise_signal(signal.SIGTERM)

    output = run(config(firm), on_message=send_signal)
    value = last_summary(log)
    assert output.status == value["exit_status"] == 143
    assert (value["signal"], value["stopped_by"], value["complete"]) == (15, "signal", False)
    assert value["streams"]["fees"]["status"] == "stopped"


def test_summary_reports_crashed_target(firm: SandboxServer, log: pytest.LogCaptureFixture) -> None:
    assert run(config(firm), crash_at=30).status == -signal.SIGKILL
    value = last_summary(log)
    assert (value["exit_status"], value["complete"]) == (1, False)
    assert value["streams"]["fees"]["status"] == "interrupted"
    assert value["streams"]["matters"]["status"] == "complete"
