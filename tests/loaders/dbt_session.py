"""Runs commands of dbt in one process, which saves its start and keeps the parsed project."""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

from dbt.cli.main import dbtRunner
from session import serve

runner = dbtRunner()


def invoke(arguments: str) -> dict[str, Any]:
    """Run a command, given as a JSON list; return whether it succeeded, or dbt's own error."""
    done = runner.invoke(json.loads(arguments))
    # dbt-duckdb keeps the file open, for which it has a lock, until its process ends.
    if connections := sys.modules.get("dbt.adapters.duckdb.connections"):
        connections.DuckDBConnectionManager.close_all_connections()
        gc.collect()
    return {
        "succeeded": done.success,
        "error": None if done.exception is None else repr(done.exception),
    }


if __name__ == "__main__":
    serve(invoke=invoke)
