"""Load the files of BATCH messages into DuckDB, into the tables that target-duckdb makes.

target-duckdb ends at a BATCH message. DuckDB reads the files itself, in a fraction of the time that
the loader takes for the same rows. Tables, types, keys and the statements that merge are those of
the loader.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from target_duckdb.db_sync import DbSync, column_type, safe_column_name

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ROW_BYTES = 67_108_864
COMPRESSIONS = {"gzip": "gzip", "none": "uncompressed", None: "uncompressed"}


class BatchLoader:
    """Loads batches, with the loader's own object for each stream."""

    def __init__(self) -> None:
        self._streams: dict[str, DbSync] = {}

    def create_sync(self, connection: Any, config: Any, message: dict[str, Any]) -> DbSync:
        """Create the loader's object for a stream, and remember it."""
        sync = self._streams[message["stream"]] = DbSync(connection, config, message)
        return sync

    def load(self, message: dict[str, Any]) -> None:
        """Load the files of a BATCH message.

        Raises:
            RuntimeError: The message or a setting is not supported.
        """
        stream, encoding = message["stream"], message["encoding"]
        if stream not in self._streams:
            raise RuntimeError(f"A BATCH of `{stream}` came before its SCHEMA.")
        if encoding.get("format") != "jsonl" or encoding.get("compression") not in COMPRESSIONS:
            raise RuntimeError(
                "The files of BATCH messages are not JSON lines. Set batch_config.encoding.format "
                "of the tap to jsonl."
            )
        sync = self._streams[stream]
        if sync.data_flattening_max_level:
            raise RuntimeError(
                "data_flattening_max_level does not apply to BATCH messages. Remove it, or set "
                "flattening_enabled of the tap."
            )
        for url in message["manifest"]:
            _load_file(sync, url, COMPRESSIONS[encoding.get("compression")])
        if sync.hard_delete:
            sync.delete_rows(stream)


def _load_file(sync: DbSync, url: str, compression: str) -> None:
    message = sync.stream_schema_message
    temporary = sync.table_name(message["stream"], is_temporary=True)
    sync.conn.execute(sync.create_table_query(table_name=temporary, is_temporary=True))
    path, extracted = _locate(url)
    columns = {
        name: column_type(schema)
        for name, schema in sync.flatten_schema.items()
        if not name.startswith("_sdc_")
    }
    types = ", ".join(f"{_literal(name)}: {_literal(kind)}" for name, kind in columns.items())
    keys = ", ".join(_quoted(name) for name in message["key_properties"])
    # The last row of a key counts, as in the loader.
    newest = f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY _row DESC) = 1"
    statement = f"""
        INSERT INTO {temporary} ({", ".join(map(safe_column_name, sync.flatten_schema))})
        SELECT {", ".join(_expressions(sync.flatten_schema, columns, extracted))}
        FROM (
            SELECT *, row_number() OVER () AS _row
            FROM read_json(
                {_literal(path)}, format = 'newline_delimited', compression = '{compression}',
                maximum_object_size = {MAX_ROW_BYTES}, columns = {{{types}}}
            )
        )
        {newest if keys else ""}
        """  # noqa: S608 - names and paths are quoted
    sync.conn.execute(statement)
    if keys and (update := sync.update_from_temp_table(temporary)):
        sync.conn.execute(update)
    sync.conn.execute(sync.insert_from_temp_table(temporary))
    sync.conn.execute(f"DROP TABLE {temporary}")


def _locate(url: str) -> tuple[str, datetime]:
    """Return what DuckDB takes for a URL, and the time when the file was complete."""
    parts = urlsplit(url)
    if parts.scheme not in {"", "file"}:
        return url, datetime.now(timezone.utc)
    path = Path(url.removeprefix("file://"))
    if not path.exists():  # the SDK's URLs have the path as it is, those of other taps have escapes
        path = Path(url2pathname(parts.path))
    return str(path), datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)


def _expressions(names: Any, columns: dict[str, str], extracted: datetime) -> Iterator[str]:
    """Yield the value of each column of the table."""
    times = {
        "_sdc_extracted_at": extracted,
        "_sdc_batched_at": datetime.now(),  # noqa: DTZ005 - the loader's time is local
    }
    for name in names:
        if name in times:
            yield f"TIMESTAMP '{times[name]:%Y-%m-%d %H:%M:%S.%f}'"
        elif name not in columns:
            yield "NULL"
        elif columns[name] == "varchar":
            yield f"nullif({_quoted(name)}, '')"  # an empty text is null in the loader
        else:
            yield _quoted(name)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
