"""How a stream declares its columns: one line each, schema and conversion in one place.

Every column is nullable, since the API leaves out what is null. A conversion makes a value that
every loader takes without losing anything; a value of an unexpected shape is not guessed at but
kept among the extras, which become the column ``extraFields``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from singer_sdk import typing as th

from tap_smokeball import ticks

Extras = dict[str, Any]
"""What the API sent and no column holds, by its path in the row, as ``sourceItems.0.note``."""

Convert = Callable[[Any, Extras, str], Any]
"""Makes the column's value of the API's; takes the extras and the value's path for the rest."""

NOISE = frozenset({"self", "relation", "rel", "method"})
"""Hypermedia that says nothing about the row."""

_LINK = frozenset({"id", "href"})
_LINK_NOISE = NOISE | {"etag"}
_NEVER = "0001-01-01T00:00:00"  # how .NET writes a date that was never set


@dataclass(frozen=True)
class Field:
    """One column.

    Attributes:
        column: Its name, JSON Schema and description.
        convert: Makes its value; None passes the API's value on as it came.
        inner: The columns of a nested object, or of each object in a list.
        source: The property of the API's row that a derived column is made from.
        selected: Whether it is selected unless the catalog says otherwise.
    """

    column: th.Property[Any]
    convert: Convert | None = None
    inner: tuple[Field, ...] = ()
    source: str | None = None
    selected: bool = True

    @property
    def name(self) -> str:
        """Name of the column."""
        return str(self.column.name)


def text(name: str, description: str) -> Field:
    """Declare a text, or an identifier."""
    return _field(name, th.StringType(), description)


def whole(name: str, description: str) -> Field:
    """Declare a whole number, up to 64 bits."""
    return _field(name, th.IntegerType(), description)


def number(name: str, description: str) -> Field:
    """Declare a number with decimals; it keeps every digit that the API sends."""
    return _field(name, th.DecimalType(), description)


def flag(name: str, description: str) -> Field:
    """Declare a boolean."""
    return _field(name, th.BooleanType(), description)


def moment(name: str, description: str) -> Field:
    """Declare a date-time: UTC, at most six fractional digits, null if .NET's first instant."""
    return replace(_field(name, th.DateTimeType(), description), convert=_moment)


def day(name: str, description: str) -> Field:
    """Declare a date without a time."""
    return replace(_field(name, th.DateType(), description), convert=_day)


def link(name: str, description: str) -> Field:
    """Declare a link to another record: its id and its address."""
    return replace(_field(name, _link_type(), description), convert=_link)


def links(name: str, description: str) -> Field:
    """Declare a list of links to other records."""
    return replace(_field(name, th.ArrayType(_link_type()), description), convert=_each(_link))


def nested(name: str, description: str, *inner: Field) -> Field:
    """Declare an object with columns of its own."""
    kind = th.ObjectType(*(field.column for field in inner))
    return replace(_field(name, kind, description), inner=inner, convert=_object(inner))


def many(name: str, description: str, *inner: Field) -> Field:
    """Declare a list of objects with columns of their own."""
    kind = th.ArrayType(th.ObjectType(*(field.column for field in inner)))
    return replace(_field(name, kind, description), inner=inner, convert=_each(_object(inner)))


def free(name: str, description: str) -> Field:
    """Declare an object that is passed on as it is."""
    return _field(name, th.ObjectType(additional_properties=True), description)


def code(name: str, description: str, names: Mapping[int, str]) -> tuple[Field, Field]:
    """Declare an enumeration: the number, and beside it ``<name>Name``, null if unknown.

    The schema holds no ``enum``: loaders would refuse a row with a number added tomorrow.
    """
    meaning = ", ".join(f"{number} {label}" for number, label in names.items())
    label = _field(f"{name}Name", th.StringType(), f"Meaning of `{name}`, null if not known")
    return (
        whole(name, f"{description}: {meaning}"),
        replace(label, source=name, convert=lambda value, _extras, _path: names.get(value)),
    )


def updated_at(source: str) -> Field:
    """Declare ``lastUpdatedAt``, made of the ticks in another column."""
    label = _field("lastUpdatedAt", th.DateTimeType(), f"`{source}` as a date-time (UTC)")
    return replace(label, source=source, convert=_ticks)


def opt_in(field: Field) -> Field:
    """Leave a column out unless the catalog selects it: it is heavy, or sensitive."""
    return replace(field, selected=False)


def _field(name: str, kind: th.JSONTypeHelper[Any], description: str) -> Field:
    return Field(th.Property(name, kind, description=description))


def _link_type() -> th.ObjectType:
    return th.ObjectType(
        th.Property("id", th.StringType, description="Id of the record"),
        th.Property("href", th.StringType, description="Its address in the API"),
    )


def _link(value: Any, extras: Extras, path: str) -> Any:
    if not isinstance(value, dict):
        extras[path] = value
        return None
    for name in value.keys() - _LINK - _LINK_NOISE:
        extras[f"{path}.{name}"] = value[name]
    return {"id": value.get("id"), "href": value.get("href")}


def _object(inner: tuple[Field, ...]) -> Convert:
    blank = {field.name: None for field in inner}
    converts = [(f.name, f.source or f.name, f.convert) for f in inner if f.convert is not None]

    def convert(value: Any, extras: Extras, path: str) -> Any:
        if not isinstance(value, dict):
            extras[path] = value
            return None
        known = {name: value[name] for name in value.keys() & blank.keys()}
        for name in value.keys() - blank.keys() - NOISE:
            extras[f"{path}.{name}"] = value[name]
        row = blank | known
        for name, source, make in converts:
            if value.get(source) is not None:
                row[name] = make(value[source], extras, f"{path}.{name}")
        return row

    return convert


def _each(convert: Convert) -> Convert:
    def each(value: Any, extras: Extras, path: str) -> Any:
        if not isinstance(value, list):
            extras[path] = value
            return None
        return [convert(item, extras, f"{path}.{at}") for at, item in enumerate(value)]

    return each


def _moment(value: Any, extras: Extras, path: str) -> Any:
    if not isinstance(value, str):
        extras[path] = value
        return None
    if value.startswith(_NEVER):
        return None
    if len(value) == len("2022-04-23T14:00:00Z") and value[-1] == "Z":
        return value  # by far the most common form, and already right
    try:
        return ticks.to_column(ticks.from_rfc3339(value))
    except ValueError:
        return value  # a local time: no zone may be invented for it


_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)(?:T00:00:00(?:\.0+)?(?:Z|[+-]\d\d:\d\d)?)?")


def _day(value: Any, extras: Extras, path: str) -> Any:
    if not isinstance(value, str):
        extras[path] = value
        return None
    if value.startswith(_NEVER):
        return None
    midnight = _MIDNIGHT.fullmatch(value)
    return midnight[1] if midnight else value


def _ticks(value: Any, _extras: Extras, _path: str) -> str | None:
    stamp = ticks.parse(value)
    return None if stamp is None else ticks.to_column(stamp)
