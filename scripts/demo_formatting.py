"""How the demo's page writes amounts, and what a question on it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


Row = dict[str, Any]

MOST = 8
MONTHS = 12


@dataclass(frozen=True)
class Column:
    """A column of a table: ``minor`` ones are left out where the screen is narrow."""

    name: str
    number: bool = True
    minor: bool = False


@dataclass(frozen=True)
class Tile:
    """A figure of the head of the page."""

    value: str
    label: str


@dataclass(frozen=True)
class Part:
    """A question: what is counted, a chart, and the same as a table."""

    title: str
    note: str
    chart: str
    alt: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]


def total(rows: Iterable[Row], column: str) -> Decimal:
    """Return the sum of a column of amounts."""
    return sum((Decimal(row[column]) for row in rows), Decimal())


def money(amount: Decimal) -> str:
    """Write an amount to the cent, as ``$1,234.50``."""
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def dollars(amount: Decimal) -> str:
    """Write an amount without its cents, and a dash for nothing."""
    return money(amount.quantize(Decimal(1), ROUND_HALF_UP))[:-3] if amount else "-"


def latest(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the last months; what has no date is in none of them."""
    return [row for row in rows if row["month"]][-MONTHS:]


def matter_number(row: Row) -> str:
    """Return the number of a row's matter; leads have none."""
    return str(row["number"] or "lead")


def month_of(row: Row, *, short: bool = False) -> str:
    """Write the month of a row, as ``May 2026``."""
    month = date.fromisoformat(row["month"])
    return f"{month:%b}" if short else f"{month:%b %Y}"


def how_many(rows: Sequence[Row]) -> str:
    """Say how many matters the rows are of."""
    count = len({row["matter_id"] for row in rows})
    return f"{count:,} matter{'' if count == 1 else 's'}"


def percent(part: Decimal, whole: Decimal) -> str:
    """Write a share in percent; nothing, of nothing."""
    return f"{100 * part / whole:,.1f}%" if whole else ""


def amounts(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Write the sums of columns: ``hours``, or dollars."""
    sums = ((name, total(rows, name)) for name in names)
    return [f"{value:,.1f}" if name == "hours" else dollars(value) for name, value in sums]


def rest_and_all(
    found: Sequence[Row], what: str, cells: Callable[[Sequence[Row]], list[str]]
) -> list[list[str]]:
    """Return a line for those that the table leaves out, and one for all."""
    more = found[MOST:]
    last = [["", f"{len(more):,} {what}", *cells(more)]] if more else []
    return [*last, ["All", "", *cells(found)]]


def stacked(
    rows: Sequence[Row], name: Callable[[Row], str], series: dict[str, str]
) -> list[dict[str, Any]]:
    """Return what a chart draws: a value for each row and each column of ``series``."""
    return [
        {"name": name(row), "series": title, "order": place, "value": float(row[key])}
        for row in rows
        for place, (key, title) in enumerate(series.items())
    ]


def reconciled(rows: Sequence[Row]) -> str:
    """Say whether balances and transactions agree."""
    wrong = [row for row in rows if Decimal(row["difference"]) or row["unknown"]]
    if wrong:
        apart = money(sum((abs(Decimal(row["difference"])) for row in wrong), Decimal()))
        return (
            f"{len(wrong):,} of {len(rows):,} balances differ from their transactions, by {apart}."
        )
    return f"All {len(rows):,} balances are the sums of their transactions, to the cent."
