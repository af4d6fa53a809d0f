"""No secret and no client data reaches the log: canaries in each error path."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import DEFAULT_STREAMS, FEES, MATTERS, catalog, config, request_count

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.harness import Json, Output, Process

DEBUG = {"TAP_SMOKEBALL_LOGLEVEL": "DEBUG", "LOGLEVEL": "DEBUG"}
CLIENT_CANARY = "canary of the client"

FAILURES: dict[str, Json] = {
    "GET /contacts": {"how": "status", "status": 400},
    "GET /staff": {"how": "status", "status": 401},
    "GET /tasks": {"how": "status", "status": 403},
    "GET /firm": {"how": "status", "status": 404},
    "GET /events": {"how": "status", "status": 418},
    "GET /bankaccounts": {"how": "status", "status": 429},
    "GET /activitycodes": {"how": "status", "status": 500},
    "GET /stages": {"how": "status", "status": 503},
    "GET /stagesets": {"how": "reset"},
    "GET /firmusers": {"how": "truncate"},
    "GET /mattertypes": {"how": "html"},
    "GET /referraltypes": {"how": "error_document"},
    "GET /matters/{matterId}/roles": {"how": "empty"},
    "GET /matters/{matterId}/expenses": {"how": "hang", "seconds": 3},
}
"""A different fault for each stream, all in one run."""


def add_canaries(firm: SandboxServer) -> None:
    """Put canaries into the rows."""
    for matter in firm.control.rows("matters"):
        firm.control.touch("matters", matter["row"]["id"], set={"description": CLIENT_CANARY})
    for fee in firm.control.rows("fees"):
        firm.control.touch("fees", fee["row"]["id"], set={"subject": CLIENT_CANARY})


def secrets(firm: SandboxServer) -> set[str]:
    return {*firm.credentials.values(), *firm.control.tokens()} - {firm.credentials["client_id"]}


def other_messages(output: Output) -> str:
    return json.dumps([m for m in output.messages if m["type"] != "RECORD"], default=str)


@pytest.mark.parametrize("environment", [{}, DEBUG], ids=["info", "debug"])
def test_redaction_covers_all_stream_errors(
    firm: SandboxServer, process: Process, environment: dict[str, str]
) -> None:
    """No error of a stream logs a secret or client data."""
    add_canaries(firm)
    firm.control.settings(rotate_refresh_tokens=True)
    for template, failure in FAILURES.items():
        firm.control.fail(count=1000, template=template, **failure)
    settings = config(firm, max_retries=1, request_timeout_seconds=1)
    selection = catalog(wanted=DEFAULT_STREAMS)
    output = process.run(settings, catalog=selection, environment=environment)
    assert output.status == 1
    failed_streams = re.findall(r"^(\w+) .* failed: \w+", output.stderr, re.MULTILINE)
    assert len(failed_streams) == len(FAILURES) + len(("matter_balances", "transactions"))
    assert {record["description"] for record in output.records("matters")} == {CLIENT_CANARY}
    assert "Traceback" not in output.stderr
    for secret in secrets(firm):
        assert secret not in output.stderr
        assert secret not in other_messages(output)
    assert CLIENT_CANARY not in other_messages(output)
    if environment:
        assert "Offset=0" in output.stderr
    else:
        assert CLIENT_CANARY not in output.stderr
        assert "UpdatedSince=" not in output.stderr
        assert "Offset=" not in output.stderr


def test_redaction_covers_signals(firm: SandboxServer, process: Process) -> None:
    add_canaries(firm)
    firm.control.fail(count=1000, how="hang", seconds=20, template=FEES, after=3)
    output = process.run_and_signal(
        config(firm), lambda: request_count(firm, FEES) > 3, signal.SIGTERM
    )
    assert output.status == 128 + signal.SIGTERM
    for secret in {*secrets(firm), CLIENT_CANARY}:
        assert secret not in output.stderr
        assert secret not in other_messages(output)


def test_redaction_hides_setting_in_request_path(firm: SandboxServer, process: Process) -> None:
    # The path of each request starts with the account id, and level debug logs the path.
    api_key = firm.credentials["api_key"]
    output = process.run(config(firm, account_id=api_key), environment=DEBUG)
    assert "/***/matters" in output.stderr
    assert api_key not in output.stderr


def test_redaction_hides_issued_tokens(firm: SandboxServer, process: Process) -> None:
    """Tokens from a token response are redacted like configured ones."""
    # The log names unknown fields: give them the names of the tokens.
    firm.control.settings(rotate_refresh_tokens=True)
    firm.control.fail(count=1, how="status", status=503, retry_after=1, template=MATTERS)
    configured = set(firm.control.tokens())
    issued: list[str] = []

    def name_fields() -> None:
        while len(issued) < len(("access", "refresh")):
            time.sleep(0.01)
            issued[:] = [token for token in firm.control.tokens() if token not in configured]
        firm.control.touch("matters", nth=0, set=dict.fromkeys(issued, 1))

    thread = threading.Thread(target=name_fields)
    thread.start()
    output = process.run(config(firm))
    thread.join()
    assert output.stderr.count("***") == len(issued)
    assert not any(token in output.stderr for token in issued)


def test_redaction_hides_stream_map_hash_seed(firm: SandboxServer, process: Process) -> None:
    settings = config(
        firm, stream_map_config={"hash_seed": "s4lt-canary"}, account_id="s4lt-canary"
    )
    output = process.run(settings, environment=DEBUG)
    assert "/***/matters" in output.stderr
    assert "s4lt-canary" not in output.stderr


@pytest.mark.parametrize("value", ["s3cret canary", "s3cret\ncanary", ["s3cret-canary"], 51234567])
def test_redaction_hides_invalid_secrets(firm: SandboxServer, process: Process, value: Any) -> None:
    names = ("api_key", "client_secret", "refresh_token", "access_token")
    output = process.run(config(firm) | dict.fromkeys(names, value), environment=DEBUG)
    assert output.status == 1
    for name in names:
        assert f"{name}: takes printable text without spaces" in output.stderr
    for piece in ("s3cret", "canary", "51234567"):
        assert piece not in output.stderr


def test_redaction_hides_secret_in_wrong_setting(firm: SandboxServer, process: Process) -> None:
    names = ("region", "environment", "page_size", "include_leads", "burst", "max_retries")
    output = process.run(config(firm) | dict.fromkeys(names, "s3cret-canary"), environment=DEBUG)
    assert output.status == 1
    for name in names:
        assert f"{name}: takes " in output.stderr
    assert "s3cret-canary" not in output.stderr


REDACTED_SCRIPT = """
import logging, sys, threading, warnings
from tap_smokeball import redaction
redaction.install()
for secret in ("s3cret", "s3cret-canary-that-is-longer", 'quo"ted & s3cret', "sesame"):
    redaction.SECRETS.add(secret)
{}
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("print('a s3cret-canary-that-is-longer b', file=sys.stderr)", "a *** b\n"),
        ("print('a s3c', file=sys.stderr, end=''); print('ret b', file=sys.stderr)", "a *** b\n"),
        ("sys.stderr.buffer.write(b'a s3cret b'); sys.stderr.flush()", "a *** b"),
        ("sys.stderr.write('x' * 9000 + ' s3cret ' * 5000)", "x" * 9000 + " *** " * 5000),
        ("print(repr('quo\"ted & s3cret'), 'quo%22ted%20%26%20s3cret', file=sys.stderr)", None),
        ("print('quo\\\\\"ted & s3cret', 'cXVvInRlZCAmIHMzY3JldA==', file=sys.stderr)", None),
        ("logging.warning('a %s b', 's3cret')", "WARNING:root:a *** b\n"),
        ("sys.exit('a s3cret b')", "a *** b\n"),
        ("warnings.warn('a s3cret b', stacklevel=1)", None),
        ("raise ValueError('a s3cret b')", None),
        ("t = threading.Thread(target=lambda: {}['s3cret']); t.start(); t.join()", None),
    ],
)
def test_redaction_covers_all_stderr_output(code: str, expected: str | None) -> None:
    """Prints, logs, warnings and tracebacks are redacted in any encoding."""
    done = subprocess.run(
        [sys.executable, "-c", REDACTED_SCRIPT.format(code)],
        capture_output=True,
        check=False,
        text=True,
    )
    for part in ("s3cret", "longer", "cXVvInRl", "ted ", "ted%20"):
        assert part not in done.stderr
    assert done.stderr if expected is None else done.stderr == expected


def test_redaction_hides_data_of_internal_errors() -> None:
    """An unexpected error names its type, not the text of the exception."""
    # As an argument: newer Pythons show the lines of code in a traceback.
    command = [sys.executable, "-c", REDACTED_SCRIPT.format("int(sys.argv[1])"), CLIENT_CANARY]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert "This is a bug in tap-smokeball" in done.stderr
    assert "ValueError" in done.stderr
    assert CLIENT_CANARY not in done.stderr


def test_redaction_hides_proxy_password(firm: SandboxServer, process: Process) -> None:
    proxy = {"HTTP_PROXY": "http://user:s3same-canary@127.0.0.1:9", "NO_PROXY": ""}
    settings = config(firm, account_id="s3same-canary", max_retries=0)
    output = process.run(settings, environment={**DEBUG, **proxy})
    assert output.status == 1
    assert "s3same-canary" not in output.stderr
