"""Format amounts and tables for the demo's report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


Row = dict[str, Any]

MAX_ROWS = 8
MONTHS = 12
DAYS_OVERDUE = {
    "not_due": "Not due",
    "days_1_30": "1-30",
    "days_31_60": "31-60",
    "days_61_90": "61-90",
    "days_over_90": "Over 90",
}
AGE_CLASSES = {
    "up_to_90_days": "Up to 90",
    "days_91_180": "91-180",
    "days_181_365": "181-365",
    "over_365_days": "Over 365",
}


@dataclass(frozen=True)
class Column:
    """A column of a table. Narrow screens do not show ``minor`` columns."""

    name: str
    number: bool = True
    minor: bool = False


@dataclass(frozen=True)
class Tile:
    """A key figure at the top of the report."""

    value: str
    label: str


@dataclass(frozen=True)
class Section:
    """A section of the report: a definition, a chart and a table of the same data."""

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
    """Format an amount with cents, such as ``$1,234.50``."""
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def dollars(amount: Decimal) -> str:
    """Format an amount without cents, and zero as a dash."""
    return money(amount.quantize(Decimal(1), ROUND_HALF_UP))[:-3] if amount else "-"


def latest(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows of the last months, without rows that have no month."""
    return [row for row in rows if row["month"]][-MONTHS:]


def matter_number(row: Row) -> str:
    """Return the number of a row's matter, or ``lead``."""
    return str(row["number"] or "lead")


def month_of(row: Row, *, short: bool = False) -> str:
    """Format the month of a row, such as ``May 2026``."""
    month = date.fromisoformat(row["month"])
    return f"{month:%b}" if short else f"{month:%b %Y}"


def matter_count(rows: Sequence[Row]) -> str:
    """Count the matters of the rows, such as ``3 matters``."""
    count = len({row["matter_id"] for row in rows})
    return f"{count:,} matter{'' if count == 1 else 's'}"


def percent(part: Decimal, whole: Decimal) -> str:
    """Format a share as a percentage, or as empty text if the whole is zero."""
    return f"{100 * part / whole:,.1f}%" if whole else ""


def amounts(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Format the sums of columns: ``hours`` with one decimal, others in dollars."""
    sums = ((name, total(rows, name)) for name in names)
    return [f"{value:,.1f}" if name == "hours" else dollars(value) for name, value in sums]


def remainder_and_total(
    rows: Sequence[Row], label: str, cells: Callable[[Sequence[Row]], list[str]]
) -> list[list[str]]:
    """Return a row for the rows that the table omits, and a row of totals."""
    more = rows[MAX_ROWS:]
    remainder = [["", f"{len(more):,} {label}", *cells(more)]] if more else []
    return [*remainder, ["All", "", *cells(rows)]]


def stacked(
    rows: Sequence[Row], name: Callable[[Row], str], series: dict[str, str]
) -> list[dict[str, Any]]:
    """Return the data of a chart: one value per row and column of ``series``."""
    return [
        {"name": name(row), "series": title, "order": place, "value": float(row[key])}
        for row in rows
        for place, (key, title) in enumerate(series.items())
    ]


def exceptions(rows: Sequence[Row]) -> str:
    """Name the exceptions of trust money, the gravest first."""
    found = [
        f"{row['found']:,} {row['exception_type']} ({money(Decimal(row['amount']))})"
        for row in rows
    ]
    return f"Exceptions: {', '.join(found)}." if found else "There are no exceptions."


def reconciliation(rows: Sequence[Row]) -> str:
    """State whether trust balances match their transactions."""
    wrong = [row for row in rows if Decimal(row["difference"]) or row["unknown"]]
    if wrong:
        difference = money(sum((abs(Decimal(row["difference"])) for row in wrong), Decimal()))
        return (
            f"{len(wrong):,} of {len(rows):,} balances differ from their transactions, "
            f"by {difference} in total."
        )
    return f"All {len(rows):,} balances match the sum of their transactions to the cent."
