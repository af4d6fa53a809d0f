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
    from collections.abc import Mapping

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


def align_decimal_format(
    catalog_schema: Mapping[str, Any], tap_schema: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a catalog's schema with the numbers in the form that the records have.

    A catalog outlives a change of settings; any other change of it is kept.

    Args:
        catalog_schema: Schema of a stream, or of a column, in the catalog.
        tap_schema: The same as the tap declares it now.
    """
    if _is_decimal(catalog_schema) != _is_decimal(tap_schema):
        return dict(tap_schema)
    result = dict(catalog_schema)
    if "properties" in catalog_schema and "properties" in tap_schema:
        declared = tap_schema["properties"]
        result["properties"] = {
            name: align_decimal_format(inner, declared.get(name, inner))
            for name, inner in catalog_schema["properties"].items()
        }
    if "items" in catalog_schema and "items" in tap_schema:
        result["items"] = align_decimal_format(catalog_schema["items"], tap_schema["items"])
    return result


def _is_decimal(schema: Mapping[str, Any]) -> bool:
    return any(form.get("format") == "x-singer.decimal" for form in schema.get("anyOf", ()))


def _to_decimal_string(value: Decimal | int, extras: Extras, path: str) -> str | None:
    """Return the digits of a number, without an exponent."""
    number = Decimal(value)
    if -MAX_EXPONENT <= number.adjusted() < PRECISION - SCALE:
        return f"{number:f}"
    extras.reject(path, value)
    return None
