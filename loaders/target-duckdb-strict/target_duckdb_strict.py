"""Run target-duckdb with an explicit CSV format and a private database file.

The loader writes each batch to a CSV file and lets DuckDB copy it without options. DuckDB detects
the format from the first rows. Since version 1.1 it drops the first row as a header, and it can
misread a file in which no value is quoted. The exit status is 0 in both cases. The loader has had
no release since 2024.

It ends at a BATCH message, which this wrapper loads (`target_duckdb_batches`).

At its end, the loader emits the state of its last batch, not the last one that came: if no row
follows a state, it is lost, and the next run repeats what was done.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import target_duckdb
from target_duckdb.db_sync import DbSync
from target_duckdb_batches import BatchLoader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from duckdb import DuckDBPyConnection

_connect = target_duckdb.duckdb_connect
_get_key = DbSync.record_primary_key_string

RECORD = re.compile(r'\{"type": ?"RECORD", ?"stream": ?"([^"\\]+)"')
"""The start of most lines, which need not be decoded here."""

DETECTED_FORMAT = " WITH (new_line '\\r\\n')"
EXPLICIT_FORMAT = (
    " (FORMAT csv, AUTO_DETECT false, HEADER false, NULLSTR '', DELIMITER '{delimiter}',"
    " QUOTE '{quote}', ESCAPE '{quote}', NEW_LINE '\\r\\n', PARALLEL false,"
    " MAX_LINE_SIZE 67108864)"
)
"""The format of Python's csv module. A row may have 64 MB; DuckDB's default is 2 MB."""


class Messages:
    """The messages on their way to the loader, which knows no BATCH and forgets states.

    Args:
        batches: Loads BATCH messages.
    """

    def __init__(self, batches: BatchLoader) -> None:
        self._batches = batches
        self._emit = target_duckdb.emit_state
        self._schemas: dict[str, str] = {}
        self._last_state: Any = None
        self._is_at_end = False

    def watch(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield the lines for the loader, load batches, and remember the last state.

        Raises:
            RuntimeError: A BATCH message is not supported.
        """
        waiting: set[str] = set()
        has_records = False
        for line in lines:
            if record := RECORD.match(line):
                has_records = True
                waiting.add(record[1])
                yield line
                continue
            message = json.loads(line)
            kind, stream = message.get("type"), message.get("stream")
            if kind == "BATCH":
                if stream in waiting:  # a second SCHEMA lets the loader load what waits
                    waiting.remove(stream)
                    yield self._schemas[stream]
                self._batches.load(message)
                continue
            if kind == "SCHEMA":
                self._schemas[stream] = line
            elif kind == "RECORD":
                has_records = True
                waiting.add(stream)
            elif kind == "STATE":
                self._last_state = message["value"]
                if not has_records:  # all rows before it are loaded
                    self._emit(self._last_state)
            yield line
        self._is_at_end = True

    def emit(self, state: Any) -> None:
        """Emit a state: after the last line, when no row is left to load, the last one."""
        self._emit(self._last_state if self._is_at_end else state)


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


def get_key(sync: DbSync, record: dict[str, Any]) -> str | None:
    """Return the key of a record as the loader does, which flattens all of the record for it."""
    names = sync.stream_schema_message["key_properties"]
    try:
        return ",".join([str(record[name]) for name in names]) or None
    except KeyError:  # a property of an object, or an error of the loader's
        key: str | None = _get_key(sync, record)
        return key


def main() -> None:
    """Run target-duckdb."""
    os.umask(0o077)  # the database, its log and the batches hold client data
    batches = BatchLoader()
    messages, load = Messages(batches), target_duckdb.persist_lines
    DbSync.record_primary_key_string = get_key
    target_duckdb.DbSync = batches.create_sync
    target_duckdb.duckdb_connect = connect_privately
    target_duckdb.emit_state = messages.emit
    target_duckdb.persist_lines = lambda connection, config, lines: load(
        connection, config, messages.watch(lines)
    )
    sys.exit(target_duckdb.main())


if __name__ == "__main__":
    main()
