"""target-duckdb, made to say how its files are written instead of letting DuckDB guess.

The loader writes each batch to a file of comma-separated values and has DuckDB copy it, without a
word on how it is written. DuckDB then guesses from the first rows: since 1.1 it takes the first one
for a header and drops it, and a file in which no value is quoted can be read with another quote or
delimiter. Both end with exit status 0. The loader has had no release since 2024.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import target_duckdb

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

GUESSING = " WITH (new_line '\\r\\n')"
STATED = (
    " (FORMAT csv, AUTO_DETECT false, HEADER false, NULLSTR '', DELIMITER '{delimiter}',"
    " QUOTE '{quote}', ESCAPE '{quote}', NEW_LINE '\\r\\n', PARALLEL false,"
    " MAX_LINE_SIZE 67108864)"
)
"""How Python's csv module writes. A row may have 64 MB: DuckDB's own limit of 2 is soon reached."""


class StrictConnection:
    """A connection to DuckDB that copies files as they were written.

    Args:
        connection: The connection.
        config: The loader's settings.
    """

    def __init__(self, connection: DuckDBPyConnection, config: dict[str, Any]) -> None:
        self._connection = connection
        self._stated = STATED.format(
            delimiter=_quoted(config.get("delimiter", ",")),
            quote=_quoted(config.get("quotechar", '"')),
        )

    def execute(self, statement: str, *arguments: Any) -> StrictConnection:
        """Execute a statement.

        Raises:
            RuntimeError: It copies a file in a way that this launcher does not know.
        """
        if statement.startswith("COPY "):
            if not statement.endswith(GUESSING):
                raise RuntimeError("this is not the target-duckdb that the launcher was made for")
            statement = statement.removesuffix(GUESSING) + self._stated
        self._connection.execute(statement, *arguments)
        return self

    def __getattr__(self, name: str) -> Any:
        """Leave everything else to the connection."""
        return getattr(self._connection, name)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def main() -> None:
    """Run target-duckdb."""
    connect = target_duckdb.duckdb_connect
    target_duckdb.duckdb_connect = lambda config: StrictConnection(connect(config), config)
    sys.exit(target_duckdb.main())


if __name__ == "__main__":
    main()
