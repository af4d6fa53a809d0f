"""What the demo shows of its database, and what it compares it with."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from smokeball_sandbox.control_client import ControlClient

LONG_AGO = "0001-01-01"
MOST = 15
WIDEST = 46

# Runs with the loader's Python: one DuckDB is enough, and it is the one that wrote the file.
READER = """
import duckdb, json, sys
rows = duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2], sys.argv[3:]).fetchall()
json.dump(rows, sys.stdout, default=str)
"""

# The same, for queries that have names, in their order: the first of them writes.
ANSWERER = """
import duckdb, json, sys
database, answers = duckdb.connect(sys.argv[1]), {}
for name, query in json.load(sys.stdin).items():
    done = database.execute(query)
    names = [column[0] for column in done.description]
    answers[name] = [dict(zip(names, row)) for row in done.fetchall()]
json.dump(answers, sys.stdout, default=str)
"""

TABLES = """
select table_name from information_schema.tables where table_schema = 'smokeball' order by all
"""

AMOUNT = "select sum(amount::decimal(18, 2)) from smokeball.fees"

HEADINGS = ("Matter", "Client and subject", "Responsible", "Hours", "Unbilled $", "Oldest")

SUMMED = ("hours", "total")
TARGET = 8
QUERIES = Path(__file__).parent.parent / "examples" / "analytics" / "duckdb"

Rows = dict[str, int]
Answers = dict[str, list[dict[str, Any]]]


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


def truth(control: ControlClient, tables: Iterable[str]) -> Totals:
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
            f"select max(_sdc_batched_at) as moment from smokeball.{name}"  # noqa: S608
            for name in self._tables
        )
        [[moment]] = self._query(f"select max(moment) from ({' union all '.join(parts)})")  # noqa: S608
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

    def answers(self) -> Answers:
        """What the queries of ``examples/analytics`` answer; leads are noted first."""
        files = sorted(QUERIES.glob("*.sql"), key=lambda path: (path.stem != "keep_leads", path))
        queries = {path.stem: path.read_text(encoding="utf-8") for path in files}
        # Its people record a fifteenth of what real ones do, and would all miss a real target.
        hours = queries["hours_against_target"]
        queries["hours_against_target"] = hours.replace("cast(120 as", f"cast({TARGET} as")
        queries["firm"] = "select name from smokeball.firm"
        found: Answers = json.loads(self._run(ANSWERER, stdin=json.dumps(queries)))
        return found

    def _query(self, query: str, *values: str) -> list[list[Any]]:
        rows: list[list[Any]] = json.loads(self._run(READER, query, *values))
        return rows

    def _run(self, program: str, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(  # noqa: S603 - our own program, and no shell
            [str(self._python), "-c", program, str(self._path), *arguments],
            check=True,
            input=stdin,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        return done.stdout


def unbilled(answers: Answers) -> Iterator[str]:
    """Work in progress by matter, as a table."""
    found = answers["work_in_progress"]
    lines: list[tuple[str, ...]] = [
        (
            row["number"] or "lead",
            shortened(subject(row)),
            row["responsible"] or "",
            _hours(row["hours"]),
            f"{Decimal(row['total']):,.2f}",
            row["oldest"],
        )
        for row in found[:MOST]
    ]
    rest = found[MOST:]
    if rest:
        oldest = min(row["oldest"] for row in rest)
        lines.append(("", f"{len(rest):,} more matters", "", *_sums(rest), oldest))
    lines.append(("", "All work in progress", "", *_sums(found), ""))
    yield "Work in progress: what can still be billed, by matter"
    yield from _table(HEADINGS, lines, left=3)


def subject(row: dict[str, Any]) -> str:
    """Title of a matter, without the number that it begins with."""
    return str(row["title"]).removeprefix(f"{row['number']} - ")


def shortened(text: str) -> str:
    """A text that fits into a column."""
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."


def _sums(rows: list[dict[str, Any]]) -> tuple[str, str]:
    hours, total = (sum((Decimal(row[name]) for row in rows), Decimal()) for name in SUMMED)
    return _hours(hours), f"{total:,.2f}"


def _hours(hours: str | Decimal) -> str:
    return f"{Decimal(hours):,.1f}"


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
