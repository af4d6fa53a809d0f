"""Run target-duckdb with an explicit CSV format instead of DuckDB's auto-detection.

The loader writes each batch to a CSV file and copies it into DuckDB without stating the format.
DuckDB then detects the format from the first rows. Since 1.1, it can mistake the first row for a
header and drop it. It can also detect the wrong quote or delimiter in a file without quoted values.
In both cases the exit status is 0. The loader has had no release since 2024.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import target_duckdb

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

AUTO_DETECTED = " WITH (new_line '\\r\\n')"
EXPLICIT = (
    " (FORMAT csv, AUTO_DETECT false, HEADER false, NULLSTR '', DELIMITER '{delimiter}',"
    " QUOTE '{quote}', ESCAPE '{quote}', NEW_LINE '\\r\\n', PARALLEL false,"
    " MAX_LINE_SIZE 67108864)"
)
"""The format of Python's csv module. Rows may have 64 MB, because DuckDB's default is only 2 MB."""


class StrictConnection:
    """A DuckDB connection that adds the CSV format to COPY statements.

    Args:
        connection: The connection.
        config: The loader's settings.
    """

    def __init__(self, connection: DuckDBPyConnection, config: dict[str, Any]) -> None:
        self._connection = connection
        self._explicit = EXPLICIT.format(
            delimiter=_quoted(config.get("delimiter", ",")),
            quote=_quoted(config.get("quotechar", '"')),
        )

    def execute(self, statement: str, *arguments: Any) -> StrictConnection:
        """Execute a statement.

        Raises:
            RuntimeError: The COPY statement is not that of the supported release.
        """
        if statement.startswith("COPY "):
            if not statement.endswith(AUTO_DETECTED):
                raise RuntimeError(
                    "Unsupported release of target-duckdb. Install target-duckdb==0.8.0."
                )
            statement = statement.removesuffix(AUTO_DETECTED) + self._explicit
        self._connection.execute(statement, *arguments)
        return self

    def __getattr__(self, name: str) -> Any:
        """Delegate everything else to the connection."""
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
