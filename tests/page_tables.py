"""Compares the tables of the page with computed ones."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.expected_decisions import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.expected_decisions import Table
    from tests.firm_page import ShownTable

MINUS = "\N{MINUS SIGN}"
ROUNDING = Decimal("0.001")
"""Hours of many rows, each with four digits, may add up to this much more or less."""


def differences(shown: ShownTable, expected: Table) -> Iterator[str]:
    """Yield what a table shows that is not the computed figure, also in its totals."""
    if len(shown.rows) != len(expected):
        yield f"{len(shown.rows)} rows, expected {len(expected)}: {shown.rows} {expected}"
        return
    cells = (cell for row in expected for cell in row.items())
    texts = sorted({name for name, value in cells if isinstance(value, str)})
    rows = zip(
        sorted(shown.rows, key=lambda row: _key(row, texts, expected)),
        sorted(expected, key=lambda row: _key(row, texts, expected)),
        strict=True,
    )
    for found, row in rows:
        for name, value in row.items():
            if not matches(found[name], value):
                yield f"{name}: {found[name]!r}, expected {value} in {found}"
    for name in expected[0] if expected else ():
        text = shown.totals.get(name, "")
        values = [row[name] for row in expected if isinstance(row[name], (Decimal, int))]
        if text not in {"", NONE} and "Total" not in text and not text.endswith("%") and values:
            total = sum(values, Decimal())
            if not matches(text, total):
                yield f"total of {name}: {text!r}, expected {total}"


def matches(text: str, value: Any) -> bool:
    """Whether a text shows a value: a number with the digits that the text has."""
    if value is None:
        return text == NONE
    if isinstance(value, str):
        return text == value
    number = number_of(text)
    if number is None:
        return False
    digits = Decimal(1).scaleb(int(number.as_tuple().exponent))
    slack = ROUNDING if digits == Decimal("0.1") and not text.endswith("%") else Decimal()
    return bool(abs(number - value) <= digits / 2 + slack)


def number_of(text: str) -> Decimal | None:
    """Return the number that a cell shows, without its currency."""
    plain = text.replace(MINUS, "-").replace("$", "").replace(",", "").removesuffix("%")
    return None if text == NONE else Decimal(plain)


def _key(row: dict[str, Any], texts: list[str], expected: Table) -> tuple[Any, ...]:
    numbers = [name for name in expected[0] if name not in texts]
    values = [row[name] for name in numbers]
    known = [number_of(each) if isinstance(each, str) else each for each in values]
    return (*(row[name] or "" for name in texts), *(each or Decimal() for each in known))
