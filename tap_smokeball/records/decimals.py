"""Amounts as texts that declare themselves decimals, for loaders that make floats of numbers.

The Singer SDK knows the form: a string of the format ``x-singer.decimal`` with precision and scale.
It stands in an ``anyOf``, since the SDK's catalog drops keywords that it does not know, other than
in there; and without precision and scale, Snowflake's loader would make whole numbers of amounts.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from tap_smokeball.records.columns import nested_object, object_list

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_smokeball.records.columns import Column, Extras

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


def as_decimal_string(field: Column) -> Column:
    """Return a column that gives its numbers, at whatever depth, as the texts of decimals."""
    name, description = field.name, str(field.column.description)
    if isinstance(field.column.wrapped, th.DecimalType):
        column = _DecimalProperty(name, th.StringType(), description=description)
        return replace(field, column=column, convert=_as_digits)
    if not field.inner:
        return field
    declare = nested_object if field.is_object else object_list
    made = declare(name, description, *map(as_decimal_string, field.inner))
    return replace(field, column=made.column, inner=made.inner, convert=made.convert)


def agreed(given: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a catalog's schema with the numbers in the form that the records have.

    A catalog outlives a change of settings; what else was changed in it is left alone.

    Args:
        given: Schema of a stream, or of a column, in the catalog.
        own: The same as the tap declares it now.
    """
    if _is_decimal(given) != _is_decimal(own):
        return dict(own)
    result = dict(given)
    if "properties" in given and "properties" in own:
        ours = own["properties"]
        result["properties"] = {
            name: agreed(inner, ours.get(name, inner))
            for name, inner in given["properties"].items()
        }
    if "items" in given and "items" in own:
        result["items"] = agreed(given["items"], own["items"])
    return result


def _is_decimal(schema: Mapping[str, Any]) -> bool:
    return any(form.get("format") == "x-singer.decimal" for form in schema.get("anyOf", ()))


def _as_digits(value: Any, extras: Extras, path: str) -> str | None:
    if isinstance(value, (Decimal, int)) and not isinstance(value, bool):
        return f"{Decimal(value):f}"
    extras[path] = value
    return None
