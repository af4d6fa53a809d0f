"""Write the statements that load the batch files of a run, for a warehouse's own bulk load.

``python bulk_load.py tables MESSAGES`` writes the SCHEMA messages: given to the ordinary loader,
they make it create its tables. ``postgres``, ``snowflake`` and ``bigquery`` write the statements
that load the files into these tables. ``state`` writes the state of the run for
``meltano state set``, from which the next run of the ordinary loader continues.

MESSAGES is the standard output of a run of the tap with `batch_config`. The rows and their types
are those of the ordinary loader. Only the standard library is needed.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Json = dict[str, Any]


class UnsupportedMessagesError(Exception):
    """The messages cannot be loaded. The text says why."""


@dataclass
class Stream:
    """A stream of the run.

    Attributes:
        name: Its name, and that of its table.
        properties: The JSON Schema of each column.
        keys: The columns of its key.
        urls: Its files, in the order in which they were written.
    """

    name: str
    properties: dict[str, Json]
    keys: list[str]
    urls: list[str] = field(default_factory=list)

    def value_columns(self) -> list[str]:
        """Return the columns that are no keys."""
        return [name for name in self.properties if name not in self.keys]


@dataclass
class Run:
    """The messages of a run.

    Attributes:
        streams: The streams, by name.
        schemas: The last SCHEMA message of each stream, as it was written.
        state: The last state.
    """

    streams: dict[str, Stream] = field(default_factory=dict)
    schemas: dict[str, str] = field(default_factory=dict)
    state: Json | None = None

    def add(self, line: str) -> None:
        """Add a message.

        Raises:
            UnsupportedMessagesError: A message is neither SCHEMA, STATE nor BATCH of JSON lines.
        """
        message = json.loads(line)
        kind, name = message["type"], message.get("stream")
        if kind == "STATE":
            self.state = message["value"]
        elif kind == "SCHEMA":
            urls = self.streams[name].urls if name in self.streams else []
            properties = message["schema"]["properties"]
            self.streams[name] = Stream(name, properties, message["key_properties"], urls)
            self.schemas[name] = line
        elif kind == "BATCH" and message["encoding"].get("format") == "jsonl":
            self.streams[name].urls += message["manifest"]
        else:
            raise UnsupportedMessagesError(
                f"A {kind} message of `{name}` is no batch of JSON lines. Run the tap with "
                "batch_config, and jsonl as its encoding.format."
            )


def read_run(lines: Iterable[str]) -> Run:
    """Read the messages of a run."""
    run = Run()
    for line in lines:
        run.add(line)
    return run


@dataclass(frozen=True)
class Files:
    """Where the files are.

    Attributes:
        folder: The folder to which they were downloaded, or None: where the tap wrote them.
    """

    folder: Path | None = None

    def find(self, url: str) -> Path:
        """Return the path of a file.

        Raises:
            UnsupportedMessagesError: It is in an object storage.
        """
        parts = urlsplit(url)
        if self.folder:
            return self.folder / Path(parts.path).name
        if parts.scheme != "file":
            raise UnsupportedMessagesError(
                "The files are in an object storage. Download them, and pass the folder as --files."
            )
        # The SDK's URLs have the path as it is, those of other taps may have escapes.
        path = Path(url.removeprefix("file://"))
        return path if path.exists() else Path(url2pathname(parts.path))

    def written_at(self, url: str) -> datetime:
        """Return when a file was complete, at which its rows were extracted at the latest."""
        return datetime.fromtimestamp(self.find(url).stat().st_mtime, timezone.utc)


# The columns of the loaders for Postgres and Snowflake, with `add_record_metadata`.
def _metadata(extracted: datetime) -> dict[str, str]:
    milliseconds = time.time_ns() // 1_000_000
    now = datetime.now(timezone.utc)
    return {
        "_sdc_extracted_at": f"'{extracted:%Y-%m-%d %H:%M:%S.%f}'",
        "_sdc_received_at": f"'{now:%Y-%m-%d %H:%M:%S.%f}'",
        "_sdc_batched_at": f"'{now:%Y-%m-%d %H:%M:%S.%f}'",
        "_sdc_sequence": str(milliseconds),
        "_sdc_table_version": "NULL",
        "_sdc_sync_started_at": str(milliseconds),
        "_sdc_deleted_at": "NULL",
    }


def postgres(run: Run, schema: str, files: Files) -> Iterator[str]:
    """Yield a script for psql.

    A table's own row type converts the values, so that they are exact and the types are those that
    the loader chose.
    """
    yield "\\set ON_ERROR_STOP on"
    yield "BEGIN;"
    yield "SET LOCAL TIME ZONE 'UTC';"
    yield "CREATE TEMPORARY TABLE batch_lines (number bigserial, line text) ON COMMIT DROP;"
    for stream in run.streams.values():
        for url in stream.urls:
            path = files.find(url)
            unpack = "gzip -dc" if path.suffix == ".gz" else "cat"
            command = f"{unpack} {shlex.quote(str(path))}".replace("'", "''")
            yield "TRUNCATE batch_lines;"
            # JSON has no control characters, so that each line is one value.
            yield (
                f"\\copy batch_lines (line) FROM PROGRAM '{command}' "
                r"WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02', ENCODING 'UTF8')"
            )
            yield _postgres_upsert(stream, schema, files.written_at(url))
    yield "COMMIT;"


def _postgres_upsert(stream: Stream, schema: str, extracted: datetime) -> str:
    table = f"{_quoted(schema)}.{_quoted(stream.name)}"
    values = {
        # The loader writes JSON null for an object that is null.
        name: f"coalesce(r.{_quoted(name)}, 'null')" if _is_object(column) else f"r.{_quoted(name)}"
        for name, column in stream.properties.items()
    } | _metadata(extracted)
    keys = ", ".join(map(_quoted, stream.keys))
    newest = ", ".join(f"r.{_quoted(name)}" for name in stream.keys)
    updates = ", ".join(
        f"{_quoted(name)} = excluded.{_quoted(name)}" for name in values if name not in stream.keys
    )
    # Postgres has no text with a null character. The loader writes U+FFFD in its place.
    line = r"regexp_replace(line, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')"
    return (
        f"INSERT INTO {table} ({', '.join(map(_quoted, values))})\n"
        f"SELECT {f'DISTINCT ON ({newest}) ' if keys else ''}{', '.join(values.values())}\n"
        f"FROM batch_lines, jsonb_populate_record(\n"
        f"  NULL::{table},\n"
        rf"  (CASE WHEN strpos(line, '\u0000') > 0 THEN {line} ELSE line END)::jsonb"
        "\n) AS r"
        + (
            f"\nORDER BY {newest}, number DESC\nON CONFLICT ({keys}) DO UPDATE SET {updates}"
            if keys
            else ""
        )
        + ";"
    )


def snowflake(run: Run, schema: str, files: Files) -> Iterator[str]:
    """Yield a script for Snowflake's command line."""
    yield f"USE SCHEMA {schema.upper()};"
    yield "CREATE OR REPLACE TEMPORARY STAGE batch_files;"
    for stream in run.streams.values():
        for url in stream.urls:
            path = files.find(url)
            source = _literal(f"file://{path.as_posix()}")
            yield f"PUT {source} @batch_files/{stream.name}/ AUTO_COMPRESS = FALSE;"
            yield "CREATE OR REPLACE TEMPORARY TABLE batch_lines (src VARIANT, number NUMBER);"
            yield (
                "COPY INTO batch_lines FROM (\n"
                "SELECT $1, METADATA$FILE_ROW_NUMBER "
                f"FROM '@batch_files/{stream.name}/{path.name}'\n"
                ") FILE_FORMAT = (TYPE = 'JSON');"
            )
            yield _snowflake_merge(stream, files.written_at(url))


def _snowflake_merge(stream: Stream, extracted: datetime) -> str:
    types = {name: _snowflake_type(column) for name, column in stream.properties.items()}
    values = {
        name: f"src:{_quoted(name)}" + ("" if kind == "VARIANT" else f"::{kind}")
        for name, kind in types.items()
    } | _metadata(extracted)
    selected = ", ".join(f"{value} AS {name.upper()}" for name, value in values.items())
    names = [name.upper() for name in values]
    source = f"SELECT {selected} FROM batch_lines"  # noqa: S608
    if not stream.keys:
        return f"INSERT INTO {stream.name.upper()} ({', '.join(names)})\n{source};"
    keys = ", ".join(values[name] for name in stream.keys)
    condition = " AND ".join(f"t.{name.upper()} = s.{name.upper()}" for name in stream.keys)
    updates = ", ".join(f"t.{name.upper()} = s.{name.upper()}" for name in values)
    return (
        f"MERGE INTO {stream.name.upper()} t USING (\n"
        f"{source}\n"
        f"QUALIFY ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY number DESC) = 1\n"
        f") s ON {condition}\n"
        f"WHEN MATCHED THEN UPDATE SET {updates}\n"
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)})\n"
        f"VALUES ({', '.join(f's.{name}' for name in names)});"
    )


def _snowflake_type(column: Json) -> str:
    """Return the type that the loader for Snowflake gives a column."""
    forms = [column, *column.get("anyOf", ())]
    types = {each for form in forms for each in _types(form)}
    formats = {form.get("format") for form in forms}
    if types & {"object", "array"}:
        return "VARIANT"
    by_format = {
        "x-singer.decimal": "NUMBER(38, 18)",
        "date-time": "TIMESTAMP_NTZ",
        "date": "DATE",
        "time": "TIME",
    }
    for name, kind in by_format.items():
        if name in formats:
            return kind
    by_type = {"boolean": "BOOLEAN", "string": "VARCHAR", "number": "DOUBLE", "integer": "NUMBER"}
    return next((kind for name, kind in by_type.items() if name in types), "VARCHAR")


def bigquery(run: Run, schema: str, files: Files) -> Iterator[str]:
    """Yield a shell script of load jobs, which append rows as the loader does.

    Files in Google Cloud Storage are loaded from there. The columns of the loader's metadata are
    null, so that each later row of the same key is newer.
    """
    yield "set -eu"
    for stream in run.streams.values():
        for url in stream.urls:
            in_cloud = files.folder is None and urlsplit(url).scheme == "gs"
            source = url if in_cloud else str(files.find(url))
            yield (
                "bq load --source_format=NEWLINE_DELIMITED_JSON --noreplace "
                f"{shlex.quote(f'{schema}.{stream.name}')} {shlex.quote(source)}"
            )


def _types(column: Json) -> list[str]:
    types = column.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _is_object(column: Json) -> bool:
    return "object" in _types(column) and "array" not in _types(column)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


WAREHOUSES = {"postgres": postgres, "snowflake": snowflake, "bigquery": bigquery}


def main(arguments: list[str] | None = None) -> int:
    """Write what was asked for, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, prog="bulk_load.py")
    parser.add_argument("output", choices=["tables", *WAREHOUSES, "state"])
    parser.add_argument("messages", type=Path, help="standard output of the tap")
    parser.add_argument("--schema", default="smokeball", help="schema of the tables (%(default)s)")
    parser.add_argument("--files", type=Path, help="folder with the files, if they were moved")
    options = parser.parse_args(arguments)
    try:
        with options.messages.open(encoding="utf-8") as lines:
            run = read_run(lines)
        if options.output == "tables":
            sys.stdout.writelines(run.schemas.values())
        elif options.output == "state":
            sys.stdout.write(json.dumps({"singer_state": run.state or {}}) + "\n")
        else:
            statements = WAREHOUSES[options.output](run, options.schema, Files(options.files))
            # All of them before the first is written: half a script must not be run.
            sys.stdout.write("\n".join(list(statements)) + "\n")
    except (OSError, UnsupportedMessagesError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
