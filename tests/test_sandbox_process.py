"""The sandbox as a process: start and end."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from smokeball_sandbox import ControlClient, SandboxServer

ROOT = Path(__file__).parent.parent


OWNER = """
from smokeball_sandbox import ControlClient, SandboxServer
with SandboxServer(matters=1) as sandbox:
    print(sandbox.url, flush=True)
    input()
"""


def listens(port: int | None) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port or 0)) == 0


def test_cli_prints_connection_settings() -> None:
    """A firm of one's own is as slow as a live one."""
    command = [sys.executable, "-m", "smokeball_sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert re.fullmatch(r"smokeball-sandbox listening on http://127\.0\.0\.1:\d+\n", line)
        advice = [process.stdout.readline() for _ in range(6)]
        assert "sandbox-client" in "".join(advice)
        settings = ControlClient(line.split()[-1]).settings()
        assert (settings["latency_ms"], settings["latency_jitter_ms"]) == (700, 900)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_server_exits_with_its_owner() -> None:
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as owner:
        assert owner.stdout is not None
        port = urlsplit(owner.stdout.readline().strip()).port
        assert listens(port)
        owner.kill()
        deadline = time.monotonic() + 30
        while listens(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not listens(port)


def test_servers_share_no_state() -> None:
    with SandboxServer(matters=1) as one, SandboxServer(matters=2) as two:
        assert one.url != two.url
        one.control.add("matters")
        assert [len(each.control.rows("matters")) for each in (one, two)] == [2, 2]


def test_server_start_failure_raises_error() -> None:
    with pytest.raises(RuntimeError), SandboxServer(region="mars"):
        pass
