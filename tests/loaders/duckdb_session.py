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


def answers(script: str) -> list[dict[str, Any]]:
    """Run statements, which may write; return the rows of the last, by column."""
    with duckdb.connect(sys.argv[1]) as connection:
        done = connection.execute(script)
        names = [column[0] for column in done.description]
        return [dict(zip(names, row, strict=True)) for row in done.fetchall()]


def types(table: str) -> dict[str, str]:
    """Return the type of each column of a table."""
    return {row[0]: row[1] for row in ask(f"DESCRIBE {table}")}


if __name__ == "__main__":
    serve(ask=ask, answers=answers, types=types)
