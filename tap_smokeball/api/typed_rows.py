"""Rows that are decoded to a type of their own, not to a dict: most rows of a large stream.

`tap_smokeball.records.row_types` makes the types. A property is an attribute of the same name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, json

from tap_smokeball.api.json_body import decode

if TYPE_CHECKING:
    from tap_smokeball.api.pages import Row

_encode = json.Encoder(decimal_format="number").encode


class TypedRow(Struct):
    """A row whose type is known.

    A property that the API left out is None. One that no record has is `UNSET`.
    """


def as_dict(row: TypedRow) -> Row:
    """Return a typed row as the general decoder would, without nulls and what no record has."""
    values = {name: getattr(row, name) for name in row.__struct_fields__}
    sent = {name: v for name, v in values.items() if v is not None and v is not UNSET}
    found: Row = decode(_encode(sent))
    return found


def property_of(row: Row | TypedRow, name: str) -> Any:
    """Return a property of a row, or None if it has none of this name."""
    if not isinstance(row, TypedRow):
        return row.get(name)
    value = getattr(row, name, None)
    return None if value is UNSET else value


def is_equal(row: Row | TypedRow, other: Row | TypedRow) -> bool:
    """Return whether two rows have the same properties, apart from those that no record has."""
    if type(row) is type(other):
        return bool(row == other)
    names = _names(row) & _names(other)
    return bool(_content(row, names) == _content(other, names))


def _names(row: Row | TypedRow) -> set[str]:
    """Return the names of all properties that a row can have."""
    if isinstance(row, TypedRow):
        return {name for name in row.__struct_fields__ if getattr(row, name) is not UNSET}
    return set(row)


def _content(row: Row | TypedRow, names: set[str]) -> Any:
    found = as_dict(row) if isinstance(row, TypedRow) else row
    return _without_nulls({name: found[name] for name in found.keys() & names})


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(v) for name, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
