"""Query the demo's database, and compare it with the simulated firm."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from scripts.demo_documents import TABLES as DOCUMENT_TABLES
from tap_smokeball.streams.sync_runs import SyncRunsStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from smokeball_sandbox.control_client import ControlClient

LONG_AGO = "0001-01-01"
MAX_ROWS = 15
MAX_WIDTH = 46

# The loader's Python runs this: only the DuckDB version that wrote the file is sure to read it.
READER = """
import duckdb, json, sys
rows = duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2], sys.argv[3:]).fetchall()
json.dump(rows, sys.stdout, default=str)
"""

TABLES = """
select table_name from information_schema.tables where table_schema = 'smokeball' order by all
"""

WORK_IN_PROGRESS = """
select any_value(matter_number), any_value(title), any_value(person_responsible), sum(hours),
    sum(total), min(oldest_date)
from analytics.smokeball__wip_ageing
group by matter_id
having sum(total) <> 0
order by sum(total) desc, matter_id
"""

AMOUNT = "select sum(amount::decimal(18, 2)) from smokeball.fees"

RUN_LOG = str(SyncRunsStream.name)

HEADINGS = ("Matter", "Client and subject", "Responsible", "Hours", "Unbilled $", "Oldest")

Rows = dict[str, int]


class Unbilled(NamedTuple):
    """Work in progress of a matter; numbers are text, exact to the last digit."""

    number: str | None
    title: str
    responsible: str | None
    hours: str
    total: str
    oldest: str


@dataclass(frozen=True)
class Totals:
    """Rows by table of the firm, and the sum of all fees."""

    rows: Rows
    amount: Decimal

    @override
    def __str__(self) -> str:
        """Return the totals as part of a sentence."""
        rows = sum(self.rows.values())
        return f"{rows:,} rows in {len(self.rows)} tables, fees of ${self.amount:,.2f}"


def source_totals(control: ControlClient, tables: Iterable[str]) -> Totals:
    """Return the totals of the simulated firm."""
    counts = {name: len(control.rows(name)) for name in tables}
    amounts = (Decimal(str(each["row"]["amount"])) for each in control.rows("fees"))
    return Totals(counts, sum(amounts, Decimal()))


def loaded_rows(since: Rows, total: Rows) -> Iterator[str]:
    """Yield the lines of a table: rows of the last load and all rows, by table."""
    lines = [(name, f"{since[name]:,}", f"{count:,}") for name, count in total.items()]
    lines.append(("All", f"{sum(since.values()):,}", f"{sum(total.values()):,}"))
    yield from _table(("Table", "Loaded by this run", "Total rows"), lines)


class Database:
    """The DuckDB database of the pipeline.

    Args:
        path: The database file.
        python: A Python interpreter that has DuckDB.
    """

    def __init__(self, path: Path, python: Path) -> None:
        self._path = path
        self._python = python

    def totals(self) -> Totals:
        """Return the totals of the database."""
        [[amount]] = self.query(AMOUNT)
        rows = self.rows_since(LONG_AGO)
        for name in (RUN_LOG, *DOCUMENT_TABLES):  # the firm has no such lists
            rows.pop(name, None)
        return Totals(rows, Decimal(amount or 0))

    def latest_load(self) -> str:
        """Return the timestamp of the last load."""
        parts = (
            f"select max(_sdc_batched_at) as loaded_at from smokeball.{name}"  # noqa: S608
            for name in self._tables
        )
        [[loaded_at]] = self.query(f"select max(loaded_at) from ({' union all '.join(parts)})")  # noqa: S608
        return str(loaded_at)

    def rows_since(self, timestamp: str) -> Rows:
        """Count the rows of each table that were inserted or updated after a timestamp."""
        parts = (
            f"(select count(*) from smokeball.{name} where _sdc_batched_at > $1::timestamp)"  # noqa: S608
            for name in self._tables
        )
        [counts] = self.query(f"select {', '.join(parts)}", timestamp)
        return dict(zip(self._tables, counts, strict=True))

    def has_row(self, table: str, id_: str, condition: str) -> bool:
        """Return whether a table has a row of this id that meets an SQL condition."""
        query = f"select count(*) from smokeball.{table} where id = $1 and {condition}"  # noqa: S608
        [[count]] = self.query(query, id_)
        return bool(count)

    @property
    def _tables(self) -> list[str]:
        return [name for [name] in self.query(TABLES)]

    def work_in_progress(self) -> list[Unbilled]:
        """Return the work in progress by matter from the mart, the largest amount first."""
        return [Unbilled(*row) for row in self.query(WORK_IN_PROGRESS)]

    def query(self, query: str, *values: str) -> list[list[Any]]:
        """Return the rows of an SQL query."""
        completed = subprocess.run(  # noqa: S603 - the program is a constant, without a shell
            [str(self._python), "-c", READER, str(self._path), query, *values],
            check=True,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        rows: list[list[Any]] = json.loads(completed.stdout)
        return rows


def unbilled(rows: list[Unbilled]) -> Iterator[str]:
    """Yield the lines of a table of work in progress by matter."""
    lines: list[tuple[str, ...]] = [
        (
            row.number or "lead",
            truncated(subject(row)),
            row.responsible or "",
            _hours(row.hours),
            f"{Decimal(row.total):,.2f}",
            row.oldest,
        )
        for row in rows[:MAX_ROWS]
    ]
    rest = rows[MAX_ROWS:]
    if rest:
        oldest = min(row.oldest for row in rest)
        lines.append(("", f"{len(rest):,} more matters", "", *_sums(rest), oldest))
    lines.append(("", "All work in progress", "", *_sums(rows), ""))
    yield "Unbilled work in progress by matter"
    yield from _table(HEADINGS, lines, left=3)


def subject(row: Unbilled) -> str:
    """Return the title of a matter without its leading number."""
    return row.title.removeprefix(f"{row.number} - ")


def truncated(text: str) -> str:
    """Truncate a text to the width of a column."""
    return text if len(text) <= MAX_WIDTH else f"{text[: MAX_WIDTH - 3]}..."


def _sums(rows: list[Unbilled]) -> tuple[str, str]:
    hours = sum((Decimal(row.hours) for row in rows), Decimal())
    total = sum((Decimal(row.total) for row in rows), Decimal())
    return _hours(hours), f"{total:,.2f}"


def _hours(hours: str | Decimal) -> str:
    return f"{Decimal(hours):,.1f}"


def _table(
    headings: tuple[str, ...],
    lines: Sequence[tuple[str, ...]],
    *,
    left: int = 1,
) -> Iterator[str]:
    """Yield the lines of a table. The first columns are text; the last line is a total."""
    widths = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]

    def format_line(line: tuple[str, ...]) -> str:
        cells = (
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    yield format_line(headings)
    yield rule
    for line in lines[:-1]:
        yield format_line(line)
    yield rule
    yield format_line(lines[-1])
