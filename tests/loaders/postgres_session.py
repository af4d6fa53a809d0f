"""Queries a Postgres database: ``postgres_session.py CONNECTION``."""

from __future__ import annotations

import sys
from typing import Any

import psycopg
from psycopg import rows
from session import serve

TYPES = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = '{}'::regclass AND attnum > 0 AND NOT attisdropped
"""


def query(statement: str) -> list[Any]:
    """Return the rows."""
    with psycopg.connect(sys.argv[1]) as connection:
        rows: list[Any] = connection.execute(statement.encode()).fetchall()
        return rows


def run_script(script: str) -> list[dict[str, Any]]:
    """Run statements; return the rows of the last one as dictionaries."""
    with psycopg.connect(sys.argv[1], row_factory=rows.dict_row) as connection:
        done = connection.execute(script.encode())
        while done.nextset():
            pass
        return done.fetchall() if done.description else []


def types(table: str) -> dict[str, str]:
    """Return the type of each column of a table."""
    return dict(query(TYPES.format(table)))


if __name__ == "__main__":
    serve(query=query, run_script=run_script, types=types)
