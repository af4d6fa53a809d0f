"""Redaction: no failure, signal, log line or traceback reveals a secret or client data."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import DEFAULT_STREAMS, FEES, MATTERS, catalog, config, request_count

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.harness import Json, Output, Process

pytestmark = pytest.mark.slow

DEBUG = {"TAP_SMOKEBALL_LOGLEVEL": "DEBUG", "LOGLEVEL": "DEBUG"}
CLIENT_DATA = "canary of the client"

FAILURES: dict[str, Json] = {
    "GET /contacts": {"how": "status", "status": 400},
    "GET /staff": {"how": "status", "status": 401},
    "GET /tasks": {"how": "status", "status": 403},
    "GET /firm": {"how": "status", "status": 404},
    "GET /events": {"how": "status", "status": 418},
    "GET /bankaccounts": {"how": "status", "status": 502},
    "GET /activitycodes": {"how": "status", "status": 500},
    "GET /stages": {"how": "status", "status": 503},
    "GET /stagesets": {"how": "reset"},
    "GET /firmusers": {"how": "truncate"},
    "GET /mattertypes": {"how": "html"},
    "GET /referraltypes": {"how": "error_document"},
    "GET /matters/{matterId}/roles": {"how": "empty"},
    "GET /matters/{matterId}/expenses": {"how": "hang", "seconds": 3},
}
"""Request template -> fault: each stream of one run fails differently."""


def add_client_data(firm: SandboxServer) -> None:
    """Put a canary into every matter and fee."""
    for matter in firm.control.rows("matters"):
        firm.control.touch("matters", matter["row"]["id"], set={"description": CLIENT_DATA})
    for fee in firm.control.rows("fees"):
        firm.control.touch("fees", fee["row"]["id"], set={"subject": CLIENT_DATA})


def secret_values(firm: SandboxServer) -> set[str]:
    return {*firm.credentials.values(), *firm.control.tokens()} - {firm.credentials["client_id"]}


def messages_without_records(output: Output) -> str:
    return json.dumps([m for m in output.messages if m["type"] != "RECORD"], default=str)


@pytest.mark.parametrize("environment", [{}, DEBUG], ids=["info", "debug"])
def test_run_failures_reveal_no_secret(
    firm: SandboxServer, process: Process, environment: dict[str, str]
) -> None:
    add_client_data(firm)
    firm.control.settings(rotate_refresh_tokens=True)
    for template, failure in FAILURES.items():
        firm.control.fail(count=1000, template=template, **failure)
    firm.control.fail(count=2, template=FEES, how="status", status=429)
    settings = config(firm, max_retries=1, request_timeout_seconds=1)
    default_catalog = catalog(wanted=DEFAULT_STREAMS)
    output = process.run(settings, catalog=default_catalog, environment=environment)
    assert output.status == 1
    failed = re.findall(r"^(\w+) .* failed: \w+", output.stderr, re.MULTILINE)
    assert len(failed) == len(FAILURES) + len(("matter_balances", "transactions"))
    assert {record["description"] for record in output.records("matters")} == {CLIENT_DATA}
    assert "Traceback" not in output.stderr
    assert "429 Too Many Requests" in output.stderr
    for secret in secret_values(firm):
        assert secret not in output.stderr
        assert secret not in messages_without_records(output)
    assert CLIENT_DATA not in messages_without_records(output)
    if environment:
        assert "Offset=0" in output.stderr
    else:
        assert CLIENT_DATA not in output.stderr
        assert "UpdatedSince=" not in output.stderr
        assert "Offset=" not in output.stderr


def test_signal_reveals_no_secret(firm: SandboxServer, process: Process) -> None:
    add_client_data(firm)
    firm.control.fail(count=1000, how="hang", seconds=20, template=FEES, after=3)
    output = process.run_and_signal(
        config(firm), lambda: request_count(firm, FEES) > 3, signal.SIGTERM
    )
    assert output.status == 128 + signal.SIGTERM
    for secret in {*secret_values(firm), CLIENT_DATA}:
        assert secret not in output.stderr
        assert secret not in messages_without_records(output)


def test_secret_in_logged_path_is_redacted(firm: SandboxServer, process: Process) -> None:
    # The path of every request begins with account_id, and level DEBUG logs paths.
    api_key = firm.credentials["api_key"]
    output = process.run(config(firm, account_id=api_key), environment=DEBUG)
    assert "/***/matters" in output.stderr
    assert api_key not in output.stderr


def test_new_token_in_log_line_is_redacted(firm: SandboxServer, process: Process) -> None:
    # The log names unknown fields, so an unknown field gets the name of a token.
    firm.control.settings(rotate_refresh_tokens=True)
    firm.control.fail(count=1, how="status", status=503, retry_after=1, template=MATTERS)
    known = set(firm.control.tokens())
    new_tokens: list[str] = []

    def name_fields() -> None:
        while len(new_tokens) < len(("access", "refresh")):
            time.sleep(0.01)
            new_tokens[:] = [token for token in firm.control.tokens() if token not in known]
        firm.control.touch("matters", nth=0, set=dict.fromkeys(new_tokens, 1))

    thread = threading.Thread(target=name_fields)
    thread.start()
    output = process.run(config(firm))
    thread.join()
    # The names are in a line of the log, and in the run summary.
    assert output.stderr.count("***") == 2 * len(new_tokens)
    assert not any(token in output.stderr for token in new_tokens)


def test_stream_map_config_value_is_redacted(firm: SandboxServer, process: Process) -> None:
    settings = config(
        firm, stream_map_config={"hash_seed": "s4lt-canary"}, account_id="s4lt-canary"
    )
    output = process.run(settings, environment=DEBUG)
    assert "/***/matters" in output.stderr
    assert "s4lt-canary" not in output.stderr


@pytest.mark.parametrize("value", ["s3cret canary", "s3cret\ncanary", ["s3cret-canary"], 51234567])
def test_invalid_secret_is_not_quoted(firm: SandboxServer, process: Process, value: Any) -> None:
    names = ("api_key", "client_secret", "refresh_token", "access_token")
    output = process.run(config(firm) | dict.fromkeys(names, value), environment=DEBUG)
    assert output.status == 1
    for name in names:
        assert f"{name}: takes printable text without spaces" in output.stderr
    for piece in ("s3cret", "canary", "51234567"):
        assert piece not in output.stderr


def test_secret_in_wrong_setting_is_not_quoted(firm: SandboxServer, process: Process) -> None:
    names = ("region", "environment", "page_size", "include_leads", "burst", "max_retries")
    output = process.run(config(firm) | dict.fromkeys(names, "s3cret-canary"), environment=DEBUG)
    assert output.status == 1
    for name in names:
        assert f"{name}: takes " in output.stderr
    assert "s3cret-canary" not in output.stderr


def test_proxy_password_is_redacted(firm: SandboxServer, process: Process) -> None:
    proxy = {"HTTP_PROXY": "http://user:s3same-canary@127.0.0.1:9", "NO_PROXY": ""}
    settings = config(firm, account_id="s3same-canary", max_retries=0)
    output = process.run(settings, environment={**DEBUG, **proxy})
    assert output.status == 1
    assert "s3same-canary" not in output.stderr
