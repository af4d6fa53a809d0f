"""The tap as a process: exit status, log lines and messages."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness import (
    DEFAULT_STREAMS,
    FEES,
    MATTERS,
    TAP,
    TOKEN,
    catalog,
    config,
    request_count,
    run,
    run_cli,
    sandbox_rows,
)

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Process

pytestmark = pytest.mark.slow


def test_run_ends_with_summary_table(firm: SandboxServer, process: Process) -> None:
    output = process.run(config(firm))
    assert output.status == 0
    table = output.stderr[output.stderr.index("\nstream ") + 1 :].splitlines()
    assert [line.split()[:3] for line in table[1:3]] == [
        ["matters", "12", "1"],
        ["fees", "36", "12"],
    ]
    assert all(line.endswith("complete") for line in table[1:3])


def test_failed_run_exits_with_status_1(firm: SandboxServer, process: Process) -> None:
    """The log names the failed stream; other streams are complete."""
    firm.control.settings(scopes=["matters/read"])
    output = process.run(config(firm))
    assert output.status == 1
    last_line = output.stderr.splitlines()[-1]
    assert "| 403 fees (GET /matters/{matterId}/fees, " in last_line
    assert "Grant the app the scope fees/read" in last_line
    assert "failed: 403 access denied" in output.stderr
    assert "Traceback" not in output.stderr
    assert len(output.records("matters")) == 12


def test_log_length_is_independent_of_firm_size(start: StartFirm, process: Process) -> None:
    firm = start(matters=1000, fees=1, exact_fees=True)
    output = process.run(config(firm))
    assert len(output.stderr.splitlines()) < 100
    assert len(output.messages_of_type("SCHEMA")) == 2


def test_long_run_logs_progress(start: StartFirm, process: Process) -> None:
    """A long run logs matters, request rate and remaining time."""
    firm = start(matters=120, fees=1, exact_fees=True, latency_ms=100)
    output = process.run(config(firm, burst=1))
    progress_lines = [line for line in output.stderr.splitlines() if "requests per second" in line]
    assert 1 <= len(progress_lines) <= 2
    assert " of 120 matters, " in progress_lines[0]
    assert progress_lines[0].endswith(" left")


def test_connection_test_makes_few_requests(start: StartFirm, process: Process) -> None:
    """The connection test reads one row of each stream."""
    firm = start(matters=300, fees=3, exact_fees=True)
    streams = catalog(wanted=DEFAULT_STREAMS)
    output = process.run_for_text(config(firm), "--test", catalog=streams)
    assert output.status == 0
    # One for the matters, one for the leads.
    assert [request_count(firm, path) for path in (TOKEN, MATTERS, FEES)] == [1, 2, 1]
    access = dict(line.split(maxsplit=1) for line in output.stdout.splitlines() if line)
    assert [access[stream] for stream in ("matters", "fees")] == ["ok", "ok"]
    assert access.keys() > set(DEFAULT_STREAMS)


def test_connection_test_reads_catalog(firm: SandboxServer, process: Process) -> None:
    """The selected streams of the catalog are checked, wherever the option stands."""
    files = process.file_arguments(config(firm), None, catalog(wanted=["staff"]))
    for arguments in (["--test", *files], [*files, "--test"]):
        [output] = run_cli(*arguments).messages
        table = output["text"].partition("\n\n")[0]
        assert [line.split() for line in table.splitlines()[1:]] == [["staff", "ok"]]


def test_connection_test_prints_no_records(firm: SandboxServer, process: Process) -> None:
    """Standard output has the table alone: no messages and no client data."""
    output = process.run_for_text(config(firm), "--test")
    assert output.stdout.startswith("stream ")
    assert "{" not in output.stdout
    for entry in sandbox_rows(firm, "matters"):
        assert entry["row"]["id"] not in output.stdout + output.stderr


def test_connection_test_names_missing_scope(firm: SandboxServer, process: Process) -> None:
    firm.control.settings(scopes=["matters/read"])
    output = process.run_for_text(config(firm), "--test")
    assert output.status == 1
    assert "Grant the app the scope fees/read" in output.stderr
    assert "Traceback" not in output.stderr


def test_connection_test_accepts_empty_firm(start: StartFirm, process: Process) -> None:
    firm = start(matters=0)
    streams = catalog(wanted=DEFAULT_STREAMS)
    assert process.run_for_text(config(firm), "--test", catalog=streams).status == 0


def test_run_respects_catalog_selection(firm: SandboxServer, process: Process) -> None:
    """Deselected streams and columns are not emitted."""
    output = process.run(config(firm), catalog=catalog(deselect=["fees", "matters.title"]))
    assert output.records("fees") == []
    assert all("title" not in record for record in output.records("matters"))


def test_log_contains_no_confidential_data(start: StartFirm, process: Process) -> None:
    """The log has no secrets, no client data and no query parameters."""
    firm = start(matters=15, fees=2, exact_fees=True)
    secrets = set(firm.credentials.values()) - {firm.credentials["client_id"]}
    firm.control.fail(count=3, how="status", status=500, template=FEES)
    settings = config(firm)
    output = process.run(settings)
    titles = {e["row"]["title"] for e in sandbox_rows(firm, "matters")}
    subjects = {e["row"]["subject"] for e in sandbox_rows(firm, "fees")}
    assert output.status == 0
    for canary in secrets | titles | subjects | {"UpdatedSince=", "Offset="}:
        assert canary not in output.stderr


def test_run_applies_flattening_and_stream_maps(firm: SandboxServer) -> None:
    settings = config(
        firm,
        flattening_enabled=True,
        flattening_max_depth=1,
        stream_maps={"fees": {"description": "__NULL__", "minutes": "duration"}},
    )
    output = run(settings)
    for record in output.records("fees"):
        assert record["matter__id"] == record["matterId"]
        assert "description" not in record
        assert "minutes" in record


def test_batch_files_contain_all_rows(firm: SandboxServer, process: Process) -> None:
    """Batch files hold all rows, and no bookmark precedes its batch."""
    folder = process.folder / "batches"
    folder.mkdir()
    batch = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": folder.as_uri()},
    }
    output = process.run(config(firm, batch_config=batch))
    rows = {
        stream: [
            json.loads(line)["id"]
            for message in output.messages_of_type("BATCH")
            if message["stream"] == stream
            for path in message["manifest"]
            for line in gzip.decompress(
                Path(path.removeprefix("file://")).read_bytes()
            ).splitlines()
        ]
        for stream in ("matters", "fees")
    }
    for stream, ids in rows.items():
        assert sorted(ids) == sorted(entry["row"]["id"] for entry in sandbox_rows(firm, stream))
    state_before_fees = next(
        message["value"]["bookmarks"].get("fees", {})
        for message in output.messages[
            : output.messages.index(output.messages_of_type("BATCH")[1])
        ][::-1]
        if message["type"] == "STATE"
    )
    assert state_before_fees == {}


def test_run_ends_cleanly_when_target_exits(start: StartFirm, process: Process) -> None:
    """A closed pipe ends the run with one line and without a traceback."""
    firm = start(matters=300, fees=5, exact_fees=True)
    arguments = process.file_arguments(config(firm), None, None)
    tap = subprocess.Popen([*TAP, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert tap.stdout
    assert tap.stderr
    tap.stdout.readline()
    tap.stdout.close()
    with tap.stderr as stream:
        stderr = stream.read().decode()
    assert tap.wait(timeout=30) == 1
    assert "The target closed the pipe" in stderr
    assert "Traceback" not in stderr
    assert "Exception ignored" not in stderr
    assert "unhandled" not in stderr


def test_start_loads_no_encoding_detector() -> None:
    """A library that needs one later still gets it."""
    arguments = [sys.executable, "-X", "importtime", *TAP[1:], "--version"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "requests.compat" in done.stderr
    assert "charset_normalizer.api" not in done.stderr
    code = (
        "from tap_smokeball.run.lean_start import import_requests\n"
        "import_requests()\n"
        "import charset_normalizer, requests\n"
        "response = requests.Response()\n"
        "response.raw = __import__('io').BytesIO('é'.encode())\n"
        "assert response.text == 'é'\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
