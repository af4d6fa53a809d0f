"""Run target-duckdb with an explicit CSV format and a private database file.

The loader writes each batch to a CSV file and lets DuckDB copy it without options. DuckDB detects
the format from the first rows. Since version 1.1 it drops the first row as a header, and it can
misread a file in which no value is quoted. The exit status is 0 in both cases. The loader has had
no release since 2024.

At its end, the loader emits the state of its last batch, not the last one that came: if no row
follows a state, it is lost, and the next run repeats what was done.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import target_duckdb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from duckdb import DuckDBPyConnection

_connect = target_duckdb.duckdb_connect

DETECTED_FORMAT = " WITH (new_line '\\r\\n')"
EXPLICIT_FORMAT = (
    " (FORMAT csv, AUTO_DETECT false, HEADER false, NULLSTR '', DELIMITER '{delimiter}',"
    " QUOTE '{quote}', ESCAPE '{quote}', NEW_LINE '\\r\\n', PARALLEL false,"
    " MAX_LINE_SIZE 67108864)"
)
"""The format of Python's csv module. A row may have 64 MB; DuckDB's default is 2 MB."""


class LastState:
    """Lets the loader emit the last state that came, once it has loaded all rows."""

    def __init__(self) -> None:
        self._emit = target_duckdb.emit_state
        self._value: Any = None
        self._is_at_end = False

    def watch(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield lines, and remember the last state."""
        for line in lines:
            if '"STATE"' in line:
                message = json.loads(line)
                if message.get("type") == "STATE":
                    self._value = message["value"]
            yield line
        self._is_at_end = True

    def emit(self, state: Any) -> None:
        """Emit a state: after the last line, when no row is left to load, the last one."""
        self._emit(self._value if self._is_at_end else state)


class StrictConnection:
    """A DuckDB connection that states the CSV format in COPY statements.

    Args:
        connection: The connection.
        config: The loader's settings.
    """

    def __init__(self, connection: DuckDBPyConnection, config: dict[str, Any]) -> None:
        self._connection = connection
        self._explicit_format = EXPLICIT_FORMAT.format(
            delimiter=_quoted(config.get("delimiter", ",")),
            quote=_quoted(config.get("quotechar", '"')),
        )

    def execute(self, statement: str, *arguments: Any) -> StrictConnection:
        """Execute a statement.

        Raises:
            RuntimeError: A COPY statement differs from that of the supported loader version.
        """
        if statement.startswith("COPY "):
            if not statement.endswith(DETECTED_FORMAT):
                raise RuntimeError(
                    "Unsupported version of target-duckdb. Install target-duckdb 0.8.0."
                )
            statement = statement.removesuffix(DETECTED_FORMAT) + self._explicit_format
        self._connection.execute(statement, *arguments)
        return self

    def __getattr__(self, name: str) -> Any:
        """Delegate all other attributes to the connection."""
        return getattr(self._connection, name)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def connect_privately(config: dict[str, Any]) -> StrictConnection:
    """Connect to a database that only its owner can read, also if it exists already."""
    connection = StrictConnection(_connect(config), config)
    path = Path(str(config.get("path", config.get("filepath"))))
    if path.is_file():
        with contextlib.suppress(PermissionError):  # the file of another user, who decides
            path.chmod(0o600)
    return connection


def main() -> None:
    """Run target-duckdb."""
    os.umask(0o077)  # the database, its log and the batches hold client data
    target_duckdb.duckdb_connect = connect_privately
    last, load = LastState(), target_duckdb.persist_lines
    target_duckdb.emit_state = last.emit
    target_duckdb.persist_lines = lambda connection, config, lines: load(
        connection, config, last.watch(lines)
    )
    sys.exit(target_duckdb.main())


if __name__ == "__main__":
    main()
