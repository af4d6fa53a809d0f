"""Type checks: rows have the types that their columns declare, before they become records.

The API may send any value. Nearly all rows fit, so that one call of msgspec checks the rows of a
page, in C. Only rows of a page that does not fit are repaired: a value is converted if nothing is
lost, or else becomes null and is kept among the extras.

What a date must look like is the business of its converter, and what a link may hold as well. But
most dates and links have the plainest form. The same call finds that, and spares the converters.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, cast

from msgspec import Meta, ValidationError, convert, defstruct

from tap_smokeball.records import converters
from tap_smokeball.records.converters import HYPERMEDIA_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tap_smokeball.records.columns import Column
    from tap_smokeball.records.converters import Converter, Extras

MAX_EXPONENT = 400
"""Largest power of ten of a number in a text; beyond that of any double."""

BUILTIN_TYPES = (Decimal,)  # otherwise msgspec takes a text for a decimal
_MIN_INTEGER, _MAX_INTEGER = -(1 << 63), (1 << 63) - 1
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,60})(?:\.[0-9]{1,60})?(?:[eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}

Json = Any


class TypeCheck(NamedTuple):
    """The check of one value that is not null.

    Attributes:
        type: The type for msgspec.
        repair: Returns the value if it fits, or what it can be converted to without loss.
    """

    type: Any
    repair: Converter


class Form(Enum):
    """What a check finds of the rows of a page."""

    PLAIN = "dates are dates, and links hold nothing that a record would keep"
    VALID = "all values have the types of their columns"
    INVALID = "a value has another type"


class RowCheck:
    """The check of the rows of a stream.

    Args:
        columns: The columns that are made of the properties of the same name.
    """

    def __init__(self, columns: Iterable[Column]) -> None:
        self._columns = {column.name: column for column in columns}
        self._checks = {name: _column_check(c) for name, c in self._columns.items()}
        self._repair = _object_repair(self._checks)
        self._order: list[str] = []

    def form(self, rows: Sequence[Json]) -> Form:
        """Return whether all rows have the types that their columns declare."""
        if not rows:
            return Form.PLAIN
        if not self._order:
            common = [name for name in rows[0] if name in self._checks or name in HYPERMEDIA_KEYS]
            self._order = [*common, *(name for name in self._checks if name not in common)]
        if _has_type(rows, self._plain_type):
            return Form.PLAIN
        return Form.VALID if _has_type(rows, self._valid_type) else Form.INVALID

    def repair(self, row: dict[str, Json], extras: Extras) -> dict[str, Json]:
        """Return a row that fits; what does not is converted, or null and among the extras."""
        if self.form([row]) is not Form.INVALID:
            return row
        return cast("dict[str, Json]", self._repair(row, extras, ""))

    @cached_property
    def _valid_type(self) -> Any:
        types = {name: check.type for name, check in self._checks.items()}
        return self._page_type(types)

    @cached_property
    def _plain_type(self) -> Any:
        converter_of = {name: cast("Any", each.converter) for name, each in self._columns.items()}
        types = {
            name: _PLAIN_TYPES.get(converter_of[name], check.type)
            for name, check in self._checks.items()
        }
        return self._page_type(types)

    def _page_type(self, types: Mapping[str, Any]) -> Any:
        # msgspec is fastest if it knows all properties, in the order in which the API sends them.
        return _page_type({name: types.get(name, Any) for name in self._order})


def _has_type(rows: Sequence[Json], page_type: Any) -> bool:
    try:
        convert({"rows": rows}, page_type, builtin_types=BUILTIN_TYPES)
    except ValidationError:
        return False
    return True


def _page_type(types: Mapping[str, Any]) -> Any:
    # msgspec prepares a Struct once, and other types at every call.
    return defstruct("Page", [("rows", list[_struct(types)])])  # type: ignore[misc]


def _struct(types: Mapping[str, Any], *, is_closed: bool = False) -> Any:
    """Return a Struct with properties of some types, or null.

    Args:
        types: Types of the properties, by name.
        is_closed: Whether no other property is valid.
    """
    return _cached_struct(tuple(types.items()), is_closed=is_closed)


@cache  # links and addresses repeat, and to define a type takes longer than to check a page
def _cached_struct(types: tuple[tuple[str, Any], ...], *, is_closed: bool) -> Any:
    # A property may be named like a keyword of Python, and its field may not.
    names = {f"field_{index}": name for index, (name, _) in enumerate(types)}
    fields = [(f"field_{index}", kind | None, None) for index, (_, kind) in enumerate(types)]
    return defstruct("Properties", fields, rename=names, gc=False, forbid_unknown_fields=is_closed)


def column_type(column: Column) -> Any:
    """Return the type, for msgspec, of what the API sends for a column."""
    return _column_check(column).type


def _column_check(column: Column) -> TypeCheck:
    if column.converter is converters.to_json_text:
        return TypeCheck(Any, lambda value, _extras, _path: value)
    if column.converter is converters.to_string:
        return _scalar_check(str | int, _to_string, str)
    if not column.inner:
        return _schema_check(column.schema.to_dict()[column.name])
    inner = {c.name: _column_check(c) for c in column.inner if c.source is None}
    check = _object_check(inner)
    return check if column.is_object else _list_check(check)


def _schema_check(schema: Mapping[str, Any]) -> TypeCheck:
    """Return the check of what the API sends for a column with a JSON Schema."""
    if "anyOf" in schema:  # a decimal string, which is made of a number
        return _CHECKS["number"]
    [kind] = set(schema["type"]) - {"null"}
    if kind == "array":
        return _list_check(_schema_check(schema["items"]))
    if schema.get("properties"):
        inner = schema["properties"].items()
        return _object_check({name: _schema_check(each) for name, each in inner})
    return _CHECKS[schema.get("format", kind)]


def _scalar_check(kind: Any, to_kind: Callable[[Json], Json], *fitting_types: type) -> TypeCheck:
    """Return the check of a value of a type.

    Args:
        kind: The type for msgspec.
        to_kind: Converts another value to it, or returns None.
        fitting_types: Python's types of which each value fits.
    """

    def repair(value: Json, extras: Extras, path: str) -> Json:
        if type(value) in fitting_types:
            return value
        try:
            convert(value, kind, builtin_types=BUILTIN_TYPES)
        except ValidationError:
            converted = to_kind(value)
            if converted is None:
                extras.reject(path, value)
            else:
                extras.count_conversion(path)
            return converted
        return value

    return TypeCheck(kind, repair)


def _object_check(checks: Mapping[str, TypeCheck]) -> TypeCheck:
    """Return the check of an object; its other properties may have any value."""
    types = {name: check.type for name, check in checks.items()}
    return TypeCheck(_struct(types), _object_repair(checks))


def _object_repair(checks: Mapping[str, TypeCheck]) -> Converter:
    repairs = {name: check.repair for name, check in checks.items()}

    def repair(value: Json, extras: Extras, path: str) -> Json:
        if not isinstance(value, dict):
            extras.reject(path, value)
            return None
        prefix = f"{path}." if path else ""
        return {
            name: inner
            if inner is None or name not in repairs
            else repairs[name](inner, extras, prefix + name)
            for name, inner in value.items()
        }

    return repair


def _list_check(item: TypeCheck) -> TypeCheck:
    def repair(value: Json, extras: Extras, path: str) -> Json:
        if not isinstance(value, list):
            extras.reject(path, value)
            return None
        return [
            None if each is None else item.repair(each, extras, f"{path}.{index}")
            for index, each in enumerate(value)
        ]

    return TypeCheck(list[item.type | None], repair)  # type: ignore[name-defined]


def _no_conversion(_value: Json) -> None:
    return None


def _to_string(value: Json) -> str | None:
    is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    return str(value) if is_number else None


def _to_integer(value: Json) -> int | None:
    number = _to_number(value)
    if number is None or number.adjusted() >= len(str(_MAX_INTEGER)):
        return None
    whole = int(number)
    return whole if whole == number and _MIN_INTEGER <= whole <= _MAX_INTEGER else None


def _to_number(value: Json) -> Decimal | None:
    """Return a number, or that which a text consists of."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value)
        return value if abs(value.adjusted()) <= MAX_EXPONENT else None
    return value if isinstance(value, Decimal) else None


def _to_boolean(value: Json) -> bool | None:
    return _BOOLEANS.get(value) if isinstance(value, str) else None


_CHECKS = {
    "string": _scalar_check(str, _to_string, str),
    "date": _scalar_check(str, _no_conversion, str),
    "date-time": _scalar_check(datetime, _no_conversion),
    "integer": _scalar_check(Annotated[int, Meta(ge=_MIN_INTEGER, le=_MAX_INTEGER)], _to_integer),
    "number": _scalar_check(Decimal | int, _to_number, Decimal, int),
    "boolean": _scalar_check(bool, _to_boolean, bool),
    "object": _scalar_check(dict, _no_conversion, dict),
}
"""The checks of values without columns of their own, by their format or type in JSON Schema."""

TYPES = {name: check.type for name, check in _CHECKS.items()}
"""The types of these values for msgspec."""

_LINK_TYPES = {name: str if name in ("id", "href") else Any for name in converters.LINK_KEYS}
_PLAIN_TYPES = {
    converters.to_date: date,
    converters.to_link: _struct(_LINK_TYPES, is_closed=True),
}
"""The types of values that need no converter, or the simplest."""
