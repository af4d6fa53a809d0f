"""Asks a DuckDB file: ``duckdb_session.py FILE``."""

from __future__ import annotations

import sys
from typing import Any

import duckdb
from session import serve


def ask(query: str) -> list[Any]:
    """Return the rows; the file is closed between two queries, for the loader to write to."""
    with duckdb.connect(sys.argv[1], read_only=True) as connection:
        rows: list[Any] = connection.execute(query).fetchall()
        return rows


def types(table: str) -> dict[str, str]:
    """Return the type of each column of a table."""
    return {row[0]: row[1] for row in ask(f"DESCRIBE {table}")}


if __name__ == "__main__":
    serve(ask=ask, types=types)
