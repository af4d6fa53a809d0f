"""Rows that are decoded to a type of their own, not to a dict: most rows of a large stream.

`tap_smokeball.records.row_types` makes the types. A property is an attribute of the same name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, field, json

from tap_smokeball.api.json_body import decode

if TYPE_CHECKING:
    from tap_smokeball.api.pages import Row

_null: Any = type(None)
_encode = json.Encoder(decimal_format="number").encode


class TypedRow(Struct):
    """A row whose type is known.

    A property that the API left out is None. One that no record has is `UNSET`.
    """


class Dropped:
    """The type of a property that no record has."""

    @staticmethod
    def decode(_type: type, _value: Any) -> Dropped:
        """Return the only value; a ``dec_hook`` of msgspec."""
        return _DROPPED


_DROPPED = Dropped()


class Link(Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """A link as the API sends it, which is encoded as records have it: with its id and href."""

    id: str | None = field(default_factory=_null)  # not the default None, which would be left out
    href: str | None = field(default_factory=_null)
    etag: Dropped = _DROPPED
    self: Dropped = _DROPPED
    relation: Dropped = _DROPPED
    rel: Dropped = _DROPPED
    method: Dropped = _DROPPED
    downloadUrl: Dropped = _DROPPED  # noqa: N815 - the API's name
    uploadUrl: Dropped = _DROPPED  # noqa: N815 - the API's name


def copies(rows: list[Any]) -> list[Any]:
    """Return rows that may become records; rows as dicts never do, and are returned themselves."""
    return [row.__copy__() for row in rows] if rows and isinstance(rows[0], TypedRow) else rows


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
    names, links = _names(row) & _names(other), _links(row) | _links(other)
    return bool(_content(row, names, links) == _content(other, names, links))


def _names(row: Row | TypedRow) -> set[str]:
    """Return the names of all properties that a row can have."""
    if isinstance(row, TypedRow):
        return {name for name in row.__struct_fields__ if getattr(row, name) is not UNSET}
    return set(row)


def _links(row: Row | TypedRow) -> set[str]:
    """Return the names of the properties that were decoded to links."""
    names = row.__struct_fields__ if isinstance(row, TypedRow) else ()
    return {name for name in names if isinstance(getattr(row, name), Link)}


def _content(row: Row | TypedRow, names: set[str], links: set[str]) -> Any:
    found = as_dict(row) if isinstance(row, TypedRow) else row
    content = {name: found[name] for name in found.keys() & names}
    for name in content.keys() & links:
        if isinstance(link := content[name], dict):
            content[name] = {"id": link.get("id"), "href": link.get("href")}
    return _without_nulls(content)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(v) for name, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
