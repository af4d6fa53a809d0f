"""What the demo shows of its database, and what it compares it with."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from smokeball_sandbox.client import Control

LONG_AGO = "0001-01-01"
MOST = 15
WIDEST = 46

# Runs with the loader's Python: one DuckDB is enough, and it is the one that wrote the file.
READER = """
import duckdb, json, sys
rows = duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2], sys.argv[3:]).fetchall()
json.dump(rows, sys.stdout, default=str)
"""

TABLES = """
select table_name from information_schema.tables where table_schema = 'smokeball' order by all
"""

AMOUNT = "select sum(amount::decimal(18, 2)) from smokeball.fees"

# Amounts arrive as floating-point numbers. As decimals of two places they are dollars and cents
# again, and their sums are exact.
UNBILLED = """
with unbilled as (
    select
        matterid,
        duration,
        feetype,
        billableamountexctax::decimal(18, 2) as amount,
        staff ->> 'id' as person,
        feedate
    from smokeball.fees
    where isbillable
        and not iswrittenoff
        and not isdeleted
        and not isinvoicedexternally
        and invoiceid is null
        and billableamountexctax <> 0
)
select
    coalesce(number, 'lead') as number,
    -- Titles begin with the number.
    case when starts_with(title, number || ' - ') then title[len(number) + 4:] else title end,
    count(distinct person),
    sum(duration) filter (where feetype = 1),
    sum(amount),
    min(feedate)
from unbilled
join smokeball.matters on matters.id = unbilled.matterid
where matters.status <> 'Deleted'
group by matters.id, number, title
order by sum(amount) desc, number
"""

HEADINGS = ("Matter", "Client and subject", "People", "Hours", "Unbilled $", "Oldest")

Rows = dict[str, int]


@dataclass(frozen=True)
class Totals:
    """How many rows there are of each kind, and what all fees come to."""

    rows: Rows
    amount: Decimal

    @override
    def __str__(self) -> str:
        """As part of a sentence."""
        rows = sum(self.rows.values())
        return f"{rows:,} rows in {len(self.rows)} tables, the fees coming to ${self.amount:,.2f}"


def truth(control: Control, tables: Iterable[str]) -> Totals:
    """What the sandbox has."""
    counts = {name: len(control.rows(name)) for name in tables}
    amounts = (Decimal(str(each["row"]["amount"])) for each in control.rows("fees"))
    return Totals(counts, sum(amounts, Decimal()))


def loaded(since: Rows, held: Rows) -> Iterator[str]:
    """What a run loaded of each table, as a table."""
    lines = [(name, f"{since[name]:,}", f"{count:,}") for name, count in held.items()]
    lines.append(("All", f"{sum(since.values()):,}", f"{sum(held.values()):,}"))
    yield from _table(("Table", "Loaded now", "Rows"), lines)


class Database:
    """The database that the pipeline loads.

    Args:
        path: Its file.
        python: A Python that has DuckDB.
    """

    def __init__(self, path: Path, python: Path) -> None:
        self._path = path
        self._python = python

    def totals(self) -> Totals:
        """What the database has."""
        [[amount]] = self._query(AMOUNT)
        return Totals(self.rows_since(LONG_AGO), Decimal(amount or 0))

    def latest_load(self) -> str:
        """When the last row was loaded."""
        parts = (
            f"select max(_sdc_batched_at) as at from smokeball.{name}"  # noqa: S608
            for name in self._tables
        )
        [[moment]] = self._query(f"select max(at) from ({' union all '.join(parts)})")  # noqa: S608
        return str(moment)

    def rows_since(self, moment: str) -> Rows:
        """How many rows of each table were loaded, anew or again, after a moment."""
        parts = (
            f"(select count(*) from smokeball.{name} where _sdc_batched_at > $1::timestamp)"  # noqa: S608
            for name in self._tables
        )
        [counts] = self._query(f"select {', '.join(parts)}", moment)
        return dict(zip(self._tables, counts, strict=True))

    @property
    def _tables(self) -> list[str]:
        return [name for [name] in self._query(TABLES)]

    def unbilled(self) -> Iterator[str]:
        """Unbilled time by matter, as a table."""
        found = self._query(UNBILLED)
        lines: list[tuple[str, ...]] = [
            (
                number,
                title if len(title) <= WIDEST else f"{title[: WIDEST - 3]}...",
                f"{people}",
                _hours(minutes),
                f"{Decimal(amount):,.2f}",
                oldest,
            )
            for number, title, people, minutes, amount, oldest in found[:MOST]
        ]
        rest, total = found[MOST:], sum((Decimal(row[4]) for row in found), Decimal())
        if rest:
            value = sum((Decimal(row[4]) for row in rest), Decimal())
            hours = _hours(sum(row[3] or 0 for row in rest))
            oldest = min(row[5] for row in rest)
            lines.append(("", f"{len(rest):,} more matters", "", hours, f"{value:,.2f}", oldest))
        hours = _hours(sum(row[3] or 0 for row in found))
        lines.append(("", "All unbilled time", "", hours, f"{total:,.2f}", ""))
        yield "Unbilled time by matter"
        yield from _table(HEADINGS, lines, left=2)

    def _query(self, query: str, *values: str) -> list[list[Any]]:
        command = [str(self._python), "-c", READER, str(self._path), query, *values]
        done = subprocess.run(  # noqa: S603 - our own program, and no shell
            command, check=True, stdout=subprocess.PIPE, encoding="utf-8"
        )
        rows: list[list[Any]] = json.loads(done.stdout)
        return rows


def _hours(minutes: int | None) -> str:
    return f"{Decimal(minutes) / 60:,.1f}" if minutes else ""


def _table(
    headings: tuple[str, ...],
    lines: Sequence[tuple[str, ...]],
    *,
    left: int = 1,
) -> Iterator[str]:
    """Lay out a table whose first columns are words and whose last line is a total."""
    widths = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]

    def shown(line: tuple[str, ...]) -> str:
        cells = (
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    yield shown(headings)
    yield rule
    for line in lines[:-1]:
        yield shown(line)
    yield rule
    yield shown(lines[-1])
