"""The sandbox as a process: how it starts and how it ends."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from smokeball_sandbox import SandboxServer

ROOT = Path(__file__).parent.parent


def test_the_process_ends_with_its_owner() -> None:
    command = [sys.executable, "-m", "smokeball_sandbox", "--port", "0", "--watch-stdin"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        line = process.stdout.readline()
        assert re.fullmatch(r"smokeball-sandbox listening on http://127\.0\.0\.1:\d+\n", line)
        process.stdin.close()
        assert process.wait(10) == 0
        assert "sandbox-client" in process.stdout.read()


def test_a_server_that_cannot_start_says_so() -> None:
    with pytest.raises(RuntimeError), SandboxServer(region="mars"):
        pass
