"""Reports as JSON, and the errors of a run: one line for each cause, last."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from scripts.report_schemas import schemas
from tests.harness import DEFAULT_STREAMS, FEES, MATTERS, catalog, config, run, run_cli
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.harness import Json, Process

pytestmark = pytest.mark.slow


def parse_report(text: str, name: str) -> Json:
    """Return a report that is valid against its schema, and has exactly its fields."""
    report: Json = json.loads(text)
    schema = json.loads(schemas()[f"docs/schemas/{name}.json"])
    Draft202012Validator(schema).validate(report)
    root = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    assert report.keys() == root["properties"].keys()
    return report


def test_plan_as_json_matches_schema(firm: SandboxServer, process: Process) -> None:
    output = process.run_for_text(
        config(firm, requests_per_second=20), "--plan", "--format", "json"
    )
    report = parse_report(output.stdout, "plan")
    assert (report["requests"], report["runs"], report["limited_by"]) == (13, 1, "rate_limit")
    assert [stream["requests"] for stream in report["streams"]] == [1, 12]


def test_connection_test_as_json_matches_schema(firm: SandboxServer, process: Process) -> None:
    firm.control.settings(scopes=["matters/read", "firm/read", "staff/read"])
    streams = catalog(wanted=["matters", "staff", "fees"])
    output = process.run_for_text(config(firm), "--test", "--format", "json", catalog=streams)
    report = parse_report(output.stdout, "test")
    access = {stream["stream"]: stream["access"] for stream in report["streams"]}
    assert (access["staff"], access["fees"]) == ("ok", "no")
    assert report["account_id"] in report["account"]
    assert output.status == 1


def test_run_summary_as_json_matches_schema(firm: SandboxServer, process: Process) -> None:
    """The line is on standard error, also if nothing else is logged."""
    firm.control.fail(count=1, how="status", status=503, template=MATTERS)
    output = process.run(
        config(firm), "--format", "json", environment={"TAP_SMOKEBALL_LOGLEVEL": "ERROR"}
    )
    assert len(output.records("fees")) == 36
    report = parse_report(output.stderr, "run_summary")
    assert (report["requests"], report["retries_by_cause"]) == (14, {"5xx": 1})
    assert report["requests_per_second"] > 0
    assert report["latency_seconds"] > 0


def test_markdown_report_is_rejected(process: Process, firm: SandboxServer) -> None:
    output = process.run_for_text(config(firm), "--plan", "--format", "markdown")
    assert output.status == 2
    assert "only --about takes it. Use json" in output.stderr
    assert '"name": "tap-smokeball"' in run_cli("--about", "--format=json").messages[0]["text"]


def test_failures_of_one_cause_are_one_error(caplog: pytest.LogCaptureFixture) -> None:
    """A shared cause is one error, with all its streams, and their child streams; others apart."""
    firm = MemoryFirm(matters=3)
    firm.control.fail(count=1000, how="status", status=400, template=MATTERS)
    firm.control.fail(count=1000, how="status", status=400, template="GET /staff")
    firm.control.fail(count=1000, how="status", status=403, template="GET /tasks")
    output = run(config(firm), catalog=catalog(wanted=("matters", "fees", "staff", "tasks")))
    assert output.status == 1
    errors = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert [error.partition(" (")[0] for error in errors] == [
        "matters, staff, fees failed: 400 matters",
        "403 tasks",
    ]
    assert errors == [record.getMessage() for record in caplog.records][-2:]


def test_failed_stream_is_logged_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """A stream that fails while others go on is a warning, before the error at the end."""
    firm = MemoryFirm(matters=3)
    firm.control.fail(count=1000, how="status", status=403, template=FEES)
    scopes = [one for one in firm.control.settings()["scopes"] if one != "bankaccounts/read"]
    firm.control.settings(scopes=scopes)
    run(config(firm), catalog=catalog(wanted=DEFAULT_STREAMS))
    lines = [r.getMessage() for r in caplog.records if r.levelname in {"WARNING", "ERROR"}]
    denied = [line.partition(" (")[0] for line in lines if "bank" in line]
    assert denied[0] == "bank_accounts"
    assert "403 access denied; the run continues" in next(line for line in lines if "bank" in line)
    assert denied[-1] == "bank_accounts, matter_balances, transactions failed: 403 bank_accounts"
