"""Amounts as strings that declare themselves decimals, for loaders that turn numbers into floats.

The Singer SDK knows the format: a string of ``x-singer.decimal`` with precision and scale. It is
inside of an ``anyOf``, since the SDK's catalog drops keywords that it does not know anywhere else.
Without precision and scale, Snowflake's loader would round amounts to whole numbers.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from tap_smokeball.records.columns import nested_object, object_list
from tap_smokeball.records.type_checks import MAX_EXPONENT

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from tap_smokeball.records.columns import Column
    from tap_smokeball.records.converters import Extras

PRECISION, SCALE = 38, 18
"""As many digits as Snowflake has: 20 before the point and 18 after it, enough for any double."""


class _DecimalProperty(th.Property[str]):
    @override
    def to_dict(self) -> dict[str, Any]:
        decimal = {
            "type": "string",
            "format": "x-singer.decimal",
            "precision": PRECISION,
            "scale": SCALE,
        }
        description = {"description": self.description}
        return {self.name: {"anyOf": [decimal, {"type": "null"}], **description}}


def as_decimal_string(column: Column) -> Column:
    """Return a column that gives its numbers, at any depth, as decimal strings."""
    name, description = column.name, str(column.schema.description)
    if isinstance(column.schema.wrapped, th.DecimalType):
        schema = _DecimalProperty(name, th.StringType(), description=description)
        return replace(column, schema=schema, converter=_to_decimal_string)
    if not column.inner:
        return column
    declare = nested_object if column.is_object else object_list
    declared = declare(name, description, *map(as_decimal_string, column.inner))
    return replace(
        column, schema=declared.schema, inner=declared.inner, converter=declared.converter
    )


def _to_decimal_string(value: Decimal | int, extras: Extras, path: str) -> str | None:
    """Return the digits of a number, without an exponent."""
    number = Decimal(value)
    if -MAX_EXPONENT <= number.adjusted() < PRECISION - SCALE:
        return f"{number:f}"
    extras.reject(path, value)
    return None
