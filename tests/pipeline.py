"""The tap, a firm, and a warehouse that it is loaded into."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from tests.harness import TAP, Process, config, truth
from tests.recorded_firm import STREAMS, key_of, primary_keys
from tests.warehouses import BigQuery, DuckDB, Postgres, Snowflake

if TYPE_CHECKING:
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
    from tests.harness import Json
    from tests.warehouses import Warehouse

WAREHOUSES: list[type[Warehouse]] = [DuckDB, Postgres, Snowflake, BigQuery]

AMOUNTS = {
    name: [f.name for f in stream.columns.fields if isinstance(f.column.wrapped, th.DecimalType)]
    for name, stream in STREAMS.items()
}


@dataclass
class Pipeline:
    """Loads a firm into a warehouse, again and again."""

    firm: SandboxServer
    warehouse: Warehouse
    folder: Path
    state: Json | None = None

    def run(self, chosen: Json) -> None:
        """Load what is new; the next time it goes on from the state that the loader gave."""
        settings = config(self.firm, use_singer_decimal=self.warehouse.decimals)
        arguments = Process(self.folder).files(settings, self.state, chosen)
        messages = self.folder / "messages.jsonl"
        with messages.open("wb") as lines:
            subprocess.run([*TAP, *arguments], stdout=lines, stderr=subprocess.PIPE, check=True)
        self.state = self.warehouse.load(messages)

    def loaded(self, stream: str) -> list[list[Any]]:
        """Return the key and the amounts of each row."""
        key = [self.warehouse.column(name) for name in primary_keys(stream)]
        amounts = [self.warehouse.column(name) for name in AMOUNTS[stream]]
        columns, table = ", ".join(key + amounts), self.warehouse.table(stream)
        rows = self.warehouse.ask(f"SELECT {columns} FROM {table}")  # noqa: S608
        return [
            [*row[: len(key)], *(None if v is None else Decimal(v) for v in row[len(key) :])]
            for row in rows
        ]

    def sent(self, stream: str) -> list[list[Any]]:
        """Return the same of the firm."""
        return [
            [*key_of(stream, entry), *(entry["row"].get(name) for name in AMOUNTS[stream])]
            for entry in truth(self.firm, stream)
        ]

    def sum(self, stream: str, column: str) -> Decimal:
        """Return what a user's query gives."""
        amount, table = self.warehouse.amount(column), self.warehouse.table(stream)
        [[total]] = self.warehouse.ask(f"SELECT SUM({amount}) FROM {table}")  # noqa: S608
        return Decimal(total)

    def row(self, stream: str, key: str, *expressions: str) -> list[Any]:
        """Return expressions of one row, found by its id."""
        [row] = self.warehouse.ask(
            f"SELECT {', '.join(expressions)} FROM {self.warehouse.table(stream)} "  # noqa: S608
            f"WHERE {self.warehouse.column('id')} = '{key}'"
        )
        return row
