"""Loads and queries fakesnow: ``snowflake_session.py SETTINGS``.

fakesnow does not support a user's stage: neither PUT nor MERGE from it. Files are put into a named
stage and copied to a table, which the loader's MERGE reads. Tables, types, names, files, casts and
the MERGE itself are the loader's.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import fakesnow
import snowflake.connector
from session import load, serve
from sqlalchemy import text
from target_snowflake.connector import SnowflakeConnector
from target_snowflake.target import TargetSnowflake

SOURCE = re.compile(
    r"\(select (?P<casts>.*) from '@~/target-snowflake/(?P<id>[^']*)'\(file_format => [^)]*\) "
    r"(?P<newest>QUALIFY .*? = 1)\)",
)
COPY = re.compile(
    r"COPY INTO batch_lines FROM \(\n"
    r"SELECT \$1, METADATA\$FILE_ROW_NUMBER FROM (?P<stage>\S+)\n\) .*\n"
)
SETTINGS = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
SCHEMA = f"{SETTINGS['database']}.PUBLIC"


class Connector(SnowflakeConnector):  # type: ignore[misc]
    """The loader's connector, without the features that fakesnow lacks."""

    def get_connect_args(self) -> dict[str, Any]:
        """Return the arguments of a connection that needs no heartbeat."""
        return {**super().get_connect_args(), "client_session_keep_alive": False}

    def put_batches_to_stage(self, sync_id: str, files: list[str]) -> None:
        """Put files into a named stage, and copy them to a table."""
        name = _name(sync_id)
        statements = [
            f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
            f"CREATE STAGE {SCHEMA}.{name}",
            *(f"PUT '{file}' @{SCHEMA}.{name}" for file in files),
            f"CREATE TABLE {SCHEMA}.{name} (SRC VARIANT)",
            f"COPY INTO {SCHEMA}.{name} FROM @{SCHEMA}.{name} FILE_FORMAT = (TYPE = 'JSON')",
        ]
        with self._connect() as connection, connection.begin():
            for statement in statements:
                connection.execute(text(statement))

    def _get_merge_from_stage_statement(self, *arguments: Any, **named: Any) -> tuple[Any, Any]:
        statement, more = super()._get_merge_from_stage_statement(*arguments, **named)
        return text(SOURCE.sub(_from_table, str(statement))), more

    def remove_staged_files(self, sync_id: str) -> None:
        """Drop the table; the stage may remain."""
        with self._connect() as connection, connection.begin():
            connection.execute(text(f"DROP TABLE {SCHEMA}.{_name(sync_id)}"))

    def drop_file_format(self, file_format: str) -> None:
        """Do nothing: fakesnow keeps file formats."""


def _from_table(found: re.Match[str]) -> str:
    # fakesnow has no SEQ8, which the loader needs to select the last row of a key.
    casts = found["casts"].replace("$1:", "SRC:")
    newest = found["newest"].replace("SEQ8()", "_row")
    table = f"{SCHEMA}.{_name(found['id'])}"
    return f"(select * from (select {casts}, rowid as _row from {table}) {newest})"  # noqa: S608


def _name(sync_id: str) -> str:
    return "B_" + re.sub(r"\W", "_", sync_id).upper()


def query(statement: str) -> list[Any]:
    """Return the rows."""
    with snowflake.connector.connect(database=SETTINGS["database"], schema="PUBLIC") as connection:
        rows: list[Any] = connection.cursor().execute(statement).fetchall()
        return rows


def run_script(script: str) -> list[dict[str, Any]]:
    """Run statements; return the rows of the last one as dictionaries.

    fakesnow sums decimals as floats: floats are rounded to the two places of Snowflake's result.
    """
    with snowflake.connector.connect(database=SETTINGS["database"], schema="PUBLIC") as connection:
        *_, last = connection.execute_string(script)
        names = [column.name.lower() for column in last.description]
        rows = last.fetchall()
    return [dict(zip(names, map(_rounded, row), strict=True)) for row in rows]


def execute(script: str) -> None:
    """Run statements; fakesnow cannot copy a whole row and its number from a stage."""
    with snowflake.connector.connect(database=SETTINGS["database"], schema="PUBLIC") as connection:
        for statement in COPY.sub(_copy_and_number, script).split(";\n"):
            if statement.strip():
                connection.cursor().execute(statement)


def _copy_and_number(found: re.Match[str]) -> str:
    return f"""
CREATE OR REPLACE TEMPORARY TABLE unnumbered (src VARIANT);
COPY INTO unnumbered FROM {found["stage"]} FILE_FORMAT = (TYPE = 'JSON');
INSERT INTO batch_lines SELECT src, rowid FROM unnumbered;
"""  # noqa: S608


def _rounded(value: Any) -> Any:
    return f"{value:.2f}" if isinstance(value, float) else value


def types(table: str) -> dict[str, str]:
    """Return the type of each column of a table."""
    return {row[0]: row[1] for row in query(f"DESCRIBE TABLE {table}")}


def load_sequentially(messages: str) -> Any:
    """Load the messages of a run; fakesnow fails if tables are loaded in parallel."""
    target = TargetSnowflake(config=SETTINGS)
    target.max_parallelism = 1
    return load(target, messages)


if __name__ == "__main__":
    TargetSnowflake.default_sink_class.connector_class = Connector
    TargetSnowflake.default_connector_class = Connector
    with fakesnow.patch():
        serve(
            load=load_sequentially,
            query=query,
            execute=execute,
            run_script=run_script,
            types=types,
        )
