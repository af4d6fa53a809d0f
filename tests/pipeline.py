"""A pipeline of the tap, a firm and a warehouse."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from tests.harness import TAP, Process, config
from tests.recorded_firm import STREAMS, primary_key_of, primary_keys, stream_rows
from tests.warehouses import BigQuery, DuckDB, Postgres, Snowflake

if TYPE_CHECKING:
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
    from tests.harness import Json
    from tests.warehouses import Warehouse

WAREHOUSES: list[type[Warehouse]] = [DuckDB, Postgres, Snowflake, BigQuery]

AMOUNTS = {
    name: [f.name for f in stream.columns if isinstance(f.schema.wrapped, th.DecimalType)]
    for name, stream in STREAMS.items()
}


@dataclass
class Pipeline:
    """Loads a firm into a warehouse, incrementally after the first run."""

    firm: SandboxServer
    warehouse: Warehouse
    folder: Path
    state: Json | None = None

    def run(self, selection: Json) -> None:
        """Load the changes since the last state, and keep the state of the loader."""
        settings = config(self.firm, use_singer_decimal=self.warehouse.needs_decimals)
        arguments = Process(self.folder).file_arguments(settings, self.state, selection)
        messages = self.folder / "messages.jsonl"
        with messages.open("wb") as lines:
            subprocess.run([*TAP, *arguments], stdout=lines, stderr=subprocess.PIPE, check=True)
        self.state = self.warehouse.load(messages)

    def loaded_rows(self, stream: str) -> list[list[Any]]:
        """Return the key and the amounts of each row in the warehouse."""
        key = [self.warehouse.column(name) for name in primary_keys(stream)]
        amounts = [self.warehouse.column(name) for name in AMOUNTS[stream]]
        columns, table = ", ".join(key + amounts), self.warehouse.table(stream)
        rows = self.warehouse.query(f"SELECT {columns} FROM {table}")  # noqa: S608
        return [
            [*row[: len(key)], *(None if v is None else Decimal(v) for v in row[len(key) :])]
            for row in rows
        ]

    def source_rows(self, stream: str) -> list[list[Any]]:
        """Return the key and the amounts of each row in the firm."""
        return [
            [*primary_key_of(stream, entry), *(entry["row"].get(name) for name in AMOUNTS[stream])]
            for entry in stream_rows(self.firm, stream)
        ]

    def column_sum(self, stream: str, column: str) -> Decimal:
        """Return the sum of a column in the warehouse."""
        amount, table = self.warehouse.amount(column), self.warehouse.table(stream)
        [[total]] = self.warehouse.query(f"SELECT SUM({amount}) FROM {table}")  # noqa: S608
        return Decimal(total)

    def select_row(self, stream: str, key: str, *expressions: str) -> list[Any]:
        """Return the values of expressions in the row with an id."""
        [row] = self.warehouse.query(
            f"SELECT {', '.join(expressions)} FROM {self.warehouse.table(stream)} "  # noqa: S608
            f"WHERE {self.warehouse.column('id')} = '{key}'"
        )
        return row
