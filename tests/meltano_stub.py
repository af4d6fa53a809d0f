"""Stands for Meltano where a run of the DAG needs one: starts the tap, keeps its rows and state.

The loader, ``target-x``, appends the messages to a file with the name of its schema. All settings
come from the environment, as Meltano passes them on. The environment is logged, so that a test
sees what a run could have leaked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO


def main(arguments: list[str]) -> int:
    """Run ``state get ID`` or ``run … --state-id-suffix FIRM``; return the exit status."""
    states = Path(os.environ["MELTANO_STATE_BACKEND_URI"].removeprefix("file://"))
    if "get" in arguments:
        path = states / arguments[-1].rpartition(":")[2]
        sys.stdout.write(path.read_text() if path.exists() else "{}")
        return 0
    firm = arguments[arguments.index("--state-id-suffix") + 1]
    for name, value in os.environ.items():
        log("meltano", f"{name}={value}")
    return run_tap(states / firm)


def run_tap(state: Path) -> int:
    """Run the tap from a state, and save the state when the rows before it are saved."""
    project = Path(os.environ["MELTANO_PROJECT_ROOT"])
    rows = project / "rows" / f"{os.environ['TARGET_X_DEFAULT_TARGET_SCHEMA']}.jsonl"
    command = [sys.executable, "-m", "tap_smokeball", "--config=ENV"]
    command += ["--catalog", str(project / "catalog.json")]
    command += ["--state", str(state)] if state.exists() else []
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tap,
        rows.open("a") as file,
    ):
        assert tap.stdout
        assert tap.stderr
        logger = threading.Thread(target=log_tap, args=[tap.stderr])
        logger.start()
        for line in tap.stdout:
            file.write(line)
            message = json.loads(line)
            if message["type"] == "STATE":
                file.flush()
                new = state.with_suffix(".new")  # a kill must not leave a part of a state
                new.write_text(json.dumps({"singer_state": message["value"]}))
                new.replace(state)
        logger.join()
    return tap.returncode


def log_tap(lines: IO[str]) -> None:
    """Log what the tap logs."""
    for line in lines:
        log("tap-smokeball", line.rstrip())


def log(plugin: str, text: str) -> None:
    """Log a line as Meltano does."""
    sys.stderr.write(json.dumps({"level": "info", "name": plugin, "event": text}) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
