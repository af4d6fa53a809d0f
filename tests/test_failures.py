"""Errors that a user can meet are one line with advice, and cost no rows."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.forked_process import run_forked
from tests.harness import TAP, Output, catalog, config, run, sandbox_rows

if TYPE_CHECKING:
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
    from tests.harness import Json, Process

pytestmark = pytest.mark.slow

NOT_JSON = "is not a file with one JSON object"
NO_STATE = "holds no Singer state"
NO_CATALOG = "holds no Singer catalog"


def run_with_arguments(
    process: Process, settings: Json, *arguments: str, **environment: str
) -> Output:
    """Run the tap with settings and further arguments."""
    done = run_forked(
        [*TAP, *process.file_arguments(settings, None, None)[:2], *arguments],
        cwd=process.folder,
        env={**os.environ, **environment},
    )
    messages = [] if "--test" in arguments else done.stdout.splitlines()
    output = Output.parse(messages, done.returncode, done.stderr.decode())
    assert "Traceback" not in output.stderr
    assert "This is a bug" not in output.stderr
    return output


@pytest.mark.parametrize(
    ("option", "content", "problem"),
    [
        ("--state", "nope", NOT_JSON),
        ("--state", "\xff", NOT_JSON),
        ("--state", "[]", NO_STATE),
        ("--state", '{"bookmarks": {"fees": 3}}', NO_STATE),
        ("--catalog", "", NOT_JSON),
        ("--catalog", "[1]", NO_CATALOG),
        ("--catalog", '{"streams": [{"name": "fees"}]}', NO_CATALOG),
    ],
)
def test_bad_state_or_catalog_file_is_rejected(
    process: Process, option: str, content: str, problem: str
) -> None:
    """The error names the option and the problem; the status is 2."""
    path = process.folder / "given"
    path.write_bytes(content.encode("latin-1"))
    output = run_with_arguments(process, {"api_key": "k", "access_token": "t"}, option, str(path))
    assert output.status == 2
    assert f"'{option}': {problem}" in output.stderr


def test_corrupt_bookmarks_cause_full_read(firm: SandboxServer) -> None:
    """Invalid entries of a state are ignored, and all rows are read."""
    corrupt = {
        "replication_key_value": "x",
        "view_fingerprint": 3,
        "resume": "y",
        "changed_parents_until": "z",
        "last_full_pass": "w",
    }
    output = run(config(firm), {"bookmarks": {"matters": corrupt, "fees": corrupt}})
    assert output.status == 0
    for stream in ("matters", "fees"):
        assert output.ids(stream).keys() == {e["row"]["id"] for e in sandbox_rows(firm, stream)}


def test_run_warns_if_no_stream_is_selected(firm: SandboxServer, process: Process) -> None:
    output = process.run(config(firm), catalog=catalog(wanted=()))
    assert output.status == 0
    assert "No stream is selected" in output.stderr


@pytest.mark.parametrize("arguments", [(), ("--test",)])
def test_invalid_stream_map_fails_with_one_line(
    firm: SandboxServer, process: Process, arguments: tuple[str, ...]
) -> None:
    output = run_with_arguments(
        process, config(firm, stream_maps={"fees": {"x": "nope("}}), *arguments
    )
    assert output.status == 1
    assert "stream_maps: invalid expression for stream `fees`, column `x`" in output.stderr


@pytest.mark.parametrize("expression", ["nope", "duration + 'x'"])
def test_stream_map_error_fails_one_stream(
    firm: SandboxServer, expression: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An expression that fails on a record fails its stream alone."""
    first = run(config(firm))
    for nth in range(12):
        firm.control.touch("matters", nth=nth, set={"description": "Moved"})
    settings = config(firm, stream_maps={"fees": {"x": expression}})
    output = run(settings, first.state)
    assert output.status == 1
    assert output.stderr == "1 of 2 streams failed: fees"
    assert "stream_maps: an expression for stream `fees` fails on a record" in caplog.text
    assert len(output.records("matters")) == 12
    key = "replication_key_value"
    assert output.bookmark("fees")[key] == first.bookmark("fees")[key]


def batch_settings(root: str) -> Json:
    encoding = {"format": "jsonl", "compression": "gzip"}
    return {"batch_config": {"encoding": encoding, "storage": {"root": root}}}


def test_batch_storage_error_keeps_bookmarks(
    firm: SandboxServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No bookmark moves if the batch storage cannot be used."""
    file = tmp_path / "file"
    file.write_text("in the way")
    first = run(config(firm, **batch_settings((file / "batches").as_uri())))
    assert first.status == 1
    assert "batch_config: its storage cannot be used: Not a directory" in caplog.text
    assert not any(first.state["bookmarks"].values())
    folder = tmp_path / "batches"
    folder.mkdir()
    second = run(config(firm, **batch_settings(folder.as_uri())), first.state)
    assert second.status == 0
    assert {message["stream"] for message in second.messages_of_type("BATCH")} == {
        "matters",
        "fees",
    }


def test_full_output_device_fails_with_one_line(firm: SandboxServer, process: Process) -> None:
    if not os.path.exists("/dev/full"):  # noqa: PTH110 - a device
        pytest.skip("needs a device that is always full")
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [*TAP, *process.file_arguments(config(firm), None, None)],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert b"Standard output cannot be written (No space left on device)" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"bug" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "environment", "problem"),
    [
        ({"api_url": "https://api.invalid"}, {}, "no connection: the host name cannot be resolved"),
        (
            {"api_url": "https://api.invalid"},
            {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""},
            "no connection to the proxy that HTTPS_PROXY or HTTP_PROXY names",
        ),
        ({"auth_url": "http://127.0.0.1:9"}, {}, "no connection, tried once"),
    ],
)
def test_connection_error_names_cause_and_advice(
    firm: SandboxServer,
    process: Process,
    settings: Json,
    environment: dict[str, str],
    problem: str,
) -> None:
    """The error distinguishes DNS, proxy and connection."""
    output = run_with_arguments(
        process, config(firm, max_retries=0, **settings), "--test", **environment
    )
    assert output.status == 1
    assert problem in output.stderr
    assert "Check the network, api_url and auth_url" in output.stderr


def test_unknown_log_level_is_rejected(process: Process) -> None:
    settings: dict[str, Any] = {"api_key": "k", "access_token": "t"}
    output = run_with_arguments(process, settings, TAP_SMOKEBALL_LOGLEVEL="loud")
    assert output.status == 1
    assert output.stderr == (
        "TAP_SMOKEBALL_LOGLEVEL: takes one of DEBUG, INFO, WARNING, ERROR, CRITICAL\n"
    )


def test_stdout_contains_singer_messages_only(firm: SandboxServer, process: Process) -> None:
    firm.control.fail(count=1000, how="html", template="GET /matters/{matterId}/fees")
    done = subprocess.run(
        [*TAP, *process.file_arguments(config(firm, max_retries=0), None, None)],
        capture_output=True,
        check=False,
    )
    types = {json.loads(line)["type"] for line in done.stdout.splitlines()}
    assert types == {"SCHEMA", "RECORD", "STATE"}
