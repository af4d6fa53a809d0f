"""Redaction as a part: encodings of secrets, the stream, and reports of unexpected errors."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tap_smokeball import redaction

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT_DATA = "canary of the client"

# Unbuffered standard error would hide a missing flush.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}

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
        env={**ENVIRONMENT, **variables},
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


@pytest.mark.parametrize(
    "code",
    [
        "print('one', file=sys.stderr)",
        "sys.stderr.write('o'); sys.stderr.flush(); sys.stderr.write('ne\\n')",
        "sys.stderr.buffer.write(b'one\\ntwo'); sys.__stderr__.flush()",
    ],
)
def test_stream_writes_lines_at_once(code: str) -> None:
    # _exit skips the flush at the end of a process.
    assert run_redacted(f"{code}; import os; os._exit(0)").stderr == "one\n"


def test_stream_escapes_unencodable_text() -> None:
    done = run_redacted("print('caf\u00e9', file=sys.stderr)", PYTHONIOENCODING="ascii")
    assert done.stderr == "caf\\xe9\n"


def test_stream_keeps_terminal_and_descriptor() -> None:
    ours, theirs = pty.openpty()
    code = "print(sys.stderr.fileno(), sys.stderr.isatty(), sys.stderr.writable())"
    done = subprocess.run(
        [sys.executable, "-c", REDACTED_PROGRAM.format(code)],
        check=True,
        env=ENVIRONMENT,
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


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("change_case", [str.upper, str.lower])
def test_proxy_variable_password_is_redacted(name: str, change_case: Callable[[str], str]) -> None:
    proxy = {change_case(name): "http://user:s3same-canary@127.0.0.1:9"}
    assert run_redacted("sys.stderr.write('s3same-canary')", **proxy).stderr == "***"


def test_proxy_invalid_url_is_ignored() -> None:
    assert run_redacted("sys.stderr.write('a')", HTTP_PROXY="http://[").stderr == "a"
