"""Redaction: no failure, signal, log line or traceback reveals a secret or client data."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball import redaction
from tests.harness import DEFAULT, FEES, MATTERS, asked, catalog, config

if TYPE_CHECKING:
    from collections.abc import Callable

    from smokeball_sandbox import SandboxServer
    from tests.harness import Json, Output, Process

DEBUG = {"TAP_SMOKEBALL_LOGLEVEL": "DEBUG", "LOGLEVEL": "DEBUG"}
CLIENT_DATA = "canary of the client"

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
    settings = config(firm, max_retries=1, request_timeout_seconds=1)
    default_catalog = catalog(wanted=DEFAULT)
    output = process.run(settings, catalog=default_catalog, environment=environment)
    assert output.status == 1
    failed = re.findall(r"^(\w+) .* failed: \w+", output.stderr, re.MULTILINE)
    assert len(failed) == len(FAILURES) + len(("matter_balances", "transactions"))
    assert {record["description"] for record in output.records("matters")} == {CLIENT_DATA}
    assert "Traceback" not in output.stderr
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
    output = process.run_until(config(firm), lambda: asked(firm, FEES) > 3, signal.SIGTERM)
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
    assert output.stderr.count("***") == len(new_tokens)
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


REDACTED_PROGRAM = """
import logging, sys, threading, warnings
from tap_smokeball import redaction
redaction.install_redaction()
for secret in ("s3cret", "s3cret-canary-that-is-longer", 'quo"ted & s3cret', "sesame"):
    redaction.SECRETS.add(secret)
{}
"""
"""A program with redaction installed, and a place for the code of a test."""


def run_redacted(code: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run code after `REDACTED_PROGRAM`. Arguments keep a text out of the code itself."""
    return subprocess.run(
        [sys.executable, "-c", REDACTED_PROGRAM.format(code), *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, **variables},
        text=True,
    )


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
def test_stderr_output_is_redacted(code: str, expected: str | None) -> None:
    done = run_redacted(code)
    for secret in ("s3cret", "longer", "cXVvInRl", "ted ", "ted%20"):
        assert secret not in done.stderr
    assert done.stderr if expected is None else done.stderr == expected


@pytest.mark.parametrize(
    "encoded",
    [
        "t0p \"s'ecret é/+",
        "t0p%20%22s%27ecret%20%C3%A9%2F%2B",
        "t0p+%22s%27ecret+%C3%A9%2F%2B",
        r"t0p \"s'ecret \u00e9/+",
        r"""t0p "s\'ecret é/+""",
        "dDBwICJzJ2VjcmV0IMOpLys",
    ],
    ids=["plain", "url", "form", "json", "repr", "base64"],
)
def test_secrets_encoding_is_redacted(encoded: str) -> None:
    secrets = redaction.Secrets()
    secrets.add("t0p \"s'ecret é/+")
    assert secrets.redact(f"<{encoded}>".encode()) == b"<***>"


def test_secrets_base64_padding_is_optional() -> None:
    secrets = redaction.Secrets()
    secrets.add("id:s3cret!")
    assert secrets.redact(b"Basic aWQ6czNjcmV0IQ") == b"Basic ***"
    assert secrets.redact(b"Basic aWQ6czNjcmV0IQ==") == b"Basic ***=="


@pytest.mark.parametrize("secret", [None, "", "abc"])
def test_secrets_short_value_is_ignored(secret: str | None) -> None:
    secrets = redaction.Secrets()
    secrets.add(secret)
    assert secrets.redact(b"abc") == b"abc"
    secrets.add("abcd")
    assert secrets.redact(b"abcd abc") == b"*** abc"


def test_secrets_longest_match_is_redacted() -> None:
    # Twenty pairs: by chance alone, an unsorted pattern would get them all right once in 2**20.
    secrets = redaction.Secrets()
    for number in range(20):
        secrets.add(f"canary-{number:02}")
        secrets.add(f"canary-{number:02}-tail")
    for number in range(20):
        assert secrets.redact(f"canary-{number:02}-tail".encode()) == b"***"


def test_secrets_added_after_use_are_redacted() -> None:
    secrets = redaction.Secrets()
    secrets.add("first")
    assert secrets.redact(b"first second") == b"*** second"
    secrets.add("second")
    assert secrets.redact(b"first second") == b"*** ***"


def test_stream_secret_in_two_writes_is_redacted() -> None:
    # Written to the buffer, because the text layer joins short writes itself.
    done = run_redacted(
        "for piece in (b'one\\na s3c', b'ret', b' b\\n', b'c s3c', b'ret'):\n"
        "    assert sys.stderr.buffer.write(piece) == len(piece)\n"
        "sys.stderr.flush()\n"
        "sys.stderr.flush()\n"
        "sys.stderr.write(' d\\n')"
    )
    assert done.stderr == "one\na *** b\nc *** d\n"


def test_stream_complete_line_is_not_held_back() -> None:
    done = run_redacted("sys.stderr.buffer.write(b'one\\ntwo'); import os; os._exit(0)")
    assert done.stderr == "one\n"


def test_stream_keeps_terminal_and_descriptor() -> None:
    ours, theirs = pty.openpty()
    code = "print(sys.stderr.fileno(), sys.stderr.isatty(), sys.stderr.writable())"
    done = subprocess.run(
        [sys.executable, "-c", REDACTED_PROGRAM.format(code)],
        check=True,
        stderr=theirs,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.close(ours)
    assert done.stdout == "2 True True\n"


IN_THREAD = "t = threading.Thread(target=int, args=sys.argv[1:]); t.start(); t.join()"


@pytest.mark.parametrize(
    ("code", "status"), [("int(sys.argv[1])", 1), (IN_THREAD, 0)], ids=["main", "thread"]
)
def test_bug_report_omits_message(code: str, status: int) -> None:
    # The text is an argument, because newer Pythons quote lines of the code.
    done = run_redacted(code, CLIENT_DATA)
    assert done.returncode == status
    assert "This is a bug in tap-smokeball" in done.stderr
    assert "ValueError" in done.stderr
    assert CLIENT_DATA not in done.stderr


def test_bug_report_names_lines_and_exception() -> None:
    done = run_redacted("int(sys.argv[1])", CLIENT_DATA)
    assert re.search(r'^  File "<string>", line 7, in <module>$', done.stderr, re.MULTILINE)
    assert "\nbuiltins.ValueError (message omitted" in done.stderr


def test_bug_report_at_debug_shows_message() -> None:
    done = run_redacted(
        "logging.getLogger().setLevel(logging.DEBUG); int(sys.argv[1])", f"{CLIENT_DATA} s3cret"
    )
    assert f"'{CLIENT_DATA} ***'" in done.stderr
    assert "This is a bug" not in done.stderr


def test_bug_report_excludes_ctrl_c() -> None:
    done = run_redacted("raise KeyboardInterrupt")
    assert "KeyboardInterrupt" in done.stderr
    assert "This is a bug" not in done.stderr


def test_thread_error_without_value_is_reported() -> None:
    hook_args = "threading.ExceptHookArgs((ValueError, None, None, None))"
    done = run_redacted(
        f"logging.getLogger().setLevel(logging.DEBUG); threading.excepthook({hook_args})"
    )
    assert done.stderr == "ValueError\n"


def test_proxy_password_is_redacted(firm: SandboxServer, process: Process) -> None:
    proxy = {"HTTP_PROXY": "http://user:s3same-canary@127.0.0.1:9", "NO_PROXY": ""}
    settings = config(firm, account_id="s3same-canary", max_retries=0)
    output = process.run(settings, environment={**DEBUG, **proxy})
    assert output.status == 1
    assert "s3same-canary" not in output.stderr


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("change_case", [str.upper, str.lower])
def test_proxy_variable_password_is_redacted(name: str, change_case: Callable[[str], str]) -> None:
    proxy = {change_case(name): "http://user:s3same-canary@127.0.0.1:9"}
    assert run_redacted("sys.stderr.write('s3same-canary')", **proxy).stderr == "***"


def test_proxy_invalid_url_is_ignored() -> None:
    assert run_redacted("sys.stderr.write('a')", HTTP_PROXY="http://[").stderr == "a"
