"""The command `exclusive`: one run of a firm at a time, by a lock in the inbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.runs import LEASE_SECONDS, RunLog
from tap_smokeball.inbox.tables import RUNS
from tests.airflow_deployment import wait_until
from tests.inbox_helpers import inbox_url, open_database, postgres

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["inbox_url", "postgres"]

BUSY = 75
# The command's child outlives it, as a loader outlives a Meltano that was killed.
OUTLIVED = "(sleep 1.5; echo done > child) & echo $$ > parent; exec sleep 60"


def exclusive(url: str, *command: str, name: str = "abbott") -> list[str]:
    program = [sys.executable, "-m", "tap_smokeball.webhooks", "exclusive"]
    return [*program, "--inbox", url, "--firm", name, "--", *command]


def test_run_lock_ends_with_last_process(inbox_url: str, tmp_path: Path) -> None:
    """A killed command holds the lock as long as one of its processes lives."""
    with open_database(inbox_url):
        pass
    first = subprocess.Popen(exclusive(inbox_url, "sh", "-c", OUTLIVED), cwd=tmp_path)
    wait_until((tmp_path / "parent").exists, 30)
    # The command has replaced the process: signals and exit status are its own.
    assert (tmp_path / "parent").read_text().strip() == str(first.pid)
    second = subprocess.run(exclusive(inbox_url, "true"), capture_output=True, check=False)
    assert (second.returncode, b"another run is active" in second.stderr) == (BUSY, True)
    other = subprocess.run(exclusive(inbox_url, "true", name="baker"), check=False)
    assert other.returncode == 0
    os.kill(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    third = exclusive(inbox_url, "sh", "-c", "cat child; exit 7")
    statuses = []

    def has_run() -> bool:
        statuses.append(subprocess.run(third, cwd=tmp_path, check=False).returncode)
        return statuses[-1] != BUSY

    wait_until(has_run, 30)
    assert (tmp_path / "child").exists()
    assert statuses[-1] == 7


def test_run_lock_of_dead_machine_ends(inbox_url: str) -> None:
    """A lease that nobody renews is over after a minute, and its holder notices."""
    with open_database(inbox_url) as database:
        first, second = (RunLog(database, "abbott", "r") for _ in range(2))
        assert first.acquire()
        assert not second.acquire()
        assert first.renew()
        with database.read() as connection:
            passed = LEASE_SECONDS * dotnet_ticks.PER_SECOND + 1
            connection.execute(RUNS.update().values(lease_ends=RUNS.c.lease_ends - passed))
        assert second.acquire()
        assert not first.renew()
        first.release()
        assert second.renew()
        second.release()
        assert first.acquire()


def test_run_lock_reports_missing_inbox(tmp_path: Path) -> None:
    command = exclusive(f"sqlite:///{tmp_path}/none.db", "touch", str(tmp_path / "ran"))
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"does not exist" in done.stderr
    assert not (tmp_path / "ran").exists()
