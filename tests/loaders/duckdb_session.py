"""Queries a DuckDB file: ``duckdb_session.py FILE``."""

from __future__ import annotations

import sys
from typing import Any

import duckdb
from session import serve


def query(statement: str) -> list[Any]:
    """Return the rows; close the file afterwards, so that the loader can write to it."""
    with duckdb.connect(sys.argv[1], read_only=True) as connection:
        rows: list[Any] = connection.execute(statement).fetchall()
        return rows


def run_script(script: str) -> list[dict[str, Any]]:
    """Run statements; return the rows of the last one as dictionaries."""
    with duckdb.connect(sys.argv[1]) as connection:
        done = connection.execute(script)
        names = [column[0] for column in done.description]
        return [dict(zip(names, row, strict=True)) for row in done.fetchall()]


def types(table: str) -> dict[str, str]:
    """Return the type of each column of a table."""
    return {row[0]: row[1] for row in query(f"DESCRIBE {table}")}


if __name__ == "__main__":
    serve(query=query, run_script=run_script, types=types)
