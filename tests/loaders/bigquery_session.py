"""Loads and queries an emulated BigQuery: ``bigquery_session.py SETTINGS``.

Four differences from the loader: it has no credentials; files are not compressed, since the
emulator cannot decompress them; it does not wait for new tables; and columns in MERGE have no
prefix, which the emulator does not support.
"""

from __future__ import annotations

import gzip
import io
import json
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import target_bigquery.batch_job
import target_bigquery.core
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from session import load, serve
from target_bigquery.target import TargetBigQuery

SETTINGS = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))


class Client(bigquery.Client):  # type: ignore[misc]
    """A client without credentials, for an emulator."""

    def query(self, query: str, *arguments: Any, **named: Any) -> Any:
        """Run a query."""
        head, update, tail = query.partition("UPDATE SET ")
        return super().query(head + update + tail.replace("target.`", "`"), *arguments, **named)


class Uncompressed(io.BytesIO):
    """Replaces the loader's compressor."""

    def close(self) -> None:  # type: ignore[explicit-override]
        """Stay readable."""


CLIENT = Client(project=SETTINGS["project"], credentials=AnonymousCredentials())


def query(statement: str) -> list[Any]:
    """Return the rows."""
    return [list(row.values()) for row in CLIENT.query(statement).result()]


def execute(script: str) -> None:
    """Run load jobs of `bq`, with files that are not compressed."""
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
        write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
    )
    for line in script.splitlines():
        if line.startswith("bq load "):
            *_, table, file = shlex.split(line)
            content = io.BytesIO(gzip.decompress(Path(file).read_bytes()))
            CLIENT.load_table_from_file(
                content, f"{SETTINGS['project']}.{table}", job_config=config
            ).result()


def types(table: str) -> dict[str, str]:
    """Return the type of each column of a table."""
    fields = CLIENT.get_table(f"{SETTINGS['project']}.{table}").schema
    return {
        field.name: f"ARRAY of {field.field_type}" if field.mode == "REPEATED" else field.field_type
        for field in fields
    }


if __name__ == "__main__":
    time = target_bigquery.core.time
    target_bigquery.core.time = SimpleNamespace(
        sleep=lambda _seconds: None, strftime=time.strftime, time=time.time
    )
    for module in (target_bigquery.core, target_bigquery.batch_job):
        module.bigquery_client_factory = lambda _credentials: CLIENT
        module.Compressor = Uncompressed
    serve(
        load=lambda messages: load(TargetBigQuery(config=SETTINGS), messages),
        query=query,
        execute=execute,
        types=types,
    )
