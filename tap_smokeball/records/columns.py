"""How a stream declares its columns: one line each, schema and conversion in one place.

Every column is nullable, since the API leaves out what is null. A conversion makes a value that
every loader takes without losing anything; a value of an unexpected shape is not guessed at but
kept among the extras, which become the column ``extraFields``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from singer_sdk import typing as th
from singer_sdk.contrib.msgspec import encoder

from tap_smokeball import dotnet_ticks

Extras = dict[str, Any]
"""What the API sent and no column holds, by its path in the row, as ``sourceItems.0.note``."""

Convert = Callable[[Any, Extras, str], Any]
"""Makes the column's value of the API's; takes the extras and the value's path for the rest."""

HYPERMEDIA_KEYS = frozenset({"self", "relation", "rel", "method"})
"""Hypermedia that says nothing about the row."""

SIGNED_URL_KEYS = frozenset({"downloadUrl", "uploadUrl"})
"""Signed addresses: whoever holds one, holds the document."""

Sensitivity = Literal["personal", "privileged", "trust"]
"""Why a value needs care: about a person, between lawyer and client, or money held in trust."""

_DROPPED = HYPERMEDIA_KEYS | SIGNED_URL_KEYS
_LINK = frozenset({"id", "href"})
_LINK_KNOWN = _LINK | _DROPPED | {"etag"}
_NEVER = "0001-01-01T00:00:00"  # how .NET writes a date that was never set


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        column: Its name, JSON Schema and description.
        convert: Makes its value; None passes the API's value on as it came.
        inner: The columns of a nested object, or of each object in a list.
        source: The property of the API's row that a derived column is made from.
        selected: Whether it is selected unless the catalog says otherwise.
        sensitivity: Why its values need care, if they do; for the stream reference.
    """

    column: th.Property[Any]
    convert: Convert | None = None
    inner: tuple[Column, ...] = ()
    source: str | None = None
    selected: bool = True
    sensitivity: Sensitivity | None = None

    @property
    def name(self) -> str:
        """Name of the column."""
        return str(self.column.name)

    @property
    def is_object(self) -> bool:
        """Whether it is one object with columns of its own, which the catalog can select."""
        return bool(self.inner) and isinstance(self.column.wrapped, th.ObjectType)


Breadcrumb = tuple[str, ...]


def walk_columns(
    fields: Iterable[Column], at: Breadcrumb = ()
) -> Iterator[tuple[Breadcrumb, Column]]:
    """Yield the columns, and those of nested objects, with their place in the catalog."""
    for field in fields:
        place = (*at, "properties", field.name)
        yield place, field
        if field.is_object:
            yield from walk_columns(field.inner, place)


def string(name: str, description: str) -> Column:
    """Declare a text, or an identifier."""
    return _field(name, th.StringType(), description)


def strings(name: str, description: str) -> Column:
    """Declare a list of texts."""
    return _field(name, th.ArrayType(th.StringType(nullable=True)), description)


def string_or_code(name: str, description: str) -> Column:
    """Declare a text that some accounts still send as a number; its digits then are the text."""
    return replace(string(name, description), convert=_as_text)


def integer(name: str, description: str) -> Column:
    """Declare a whole number, up to 64 bits."""
    return _field(name, th.IntegerType(), description)


def decimal(name: str, description: str) -> Column:
    """Declare a number with decimals; it keeps every digit that the API sends."""
    return _field(name, th.DecimalType(), description)


def boolean(name: str, description: str) -> Column:
    """Declare a boolean."""
    return _field(name, th.BooleanType(), description)


def date_time(name: str, description: str) -> Column:
    """Declare a date-time: UTC, at most six fractional digits, null if .NET's first instant."""
    return replace(_field(name, th.DateTimeType(), description), convert=_moment)


def updated_at_time(name: str, description: str) -> Column:
    """Declare the date-time of a row's last change: UTC also where the API writes no zone.

    It is what a filter by last change is held against, and that is in UTC.
    """
    return replace(_field(name, th.DateTimeType(), description), convert=_changed_at)


def date(name: str, description: str) -> Column:
    """Declare a date without a time."""
    return replace(_field(name, th.DateType(), description), convert=_day)


def link(name: str, description: str) -> Column:
    """Declare a link to another record: its id and its address."""
    return replace(_field(name, _link_type(), description), convert=_link)


def links(name: str, description: str) -> Column:
    """Declare a list of links to other records."""
    kind = th.ArrayType(_link_type(nullable=True))
    return replace(_field(name, kind, description), convert=_each(_link))


def nested_object(name: str, description: str, *inner: Column) -> Column:
    """Declare an object with columns of its own."""
    kind = th.ObjectType(*(field.column for field in inner))
    return replace(_field(name, kind, description), inner=inner, convert=_object(inner))


def object_list(name: str, description: str, *inner: Column) -> Column:
    """Declare a list of objects with columns of their own."""
    kind = th.ArrayType(th.ObjectType(*(field.column for field in inner), nullable=True))
    return replace(_field(name, kind, description), inner=inner, convert=_each(_object(inner)))


def json_object(name: str, description: str) -> Column:
    """Declare an object that is passed on as it is, less signed addresses."""
    kind = th.ObjectType(additional_properties=True)
    return replace(_field(name, kind, description), convert=_scrubbed)


def json_text(name: str, description: str) -> Column:
    """Declare a value of any type, less signed addresses, as the text of its JSON.

    Loaders that type what is inside of objects have no type for such a value.
    """
    return replace(string(name, f"{description}; JSON"), convert=_as_json)


def linked_id(name: str, source: str, description: str) -> Column:
    """Declare the id of another record, taken out of the link in another column."""
    return replace(string(name, description), source=source, convert=_id_in)


def enumeration(name: str, description: str, names: Mapping[int, str]) -> tuple[Column, Column]:
    """Declare an enumeration: the number, and beside it ``<name>Name``, null if unknown.

    The schema holds no ``enum``: loaders would refuse a row with a number added tomorrow.
    """
    meaning = ", ".join(f"{number} {label}" for number, label in names.items())
    label = _field(f"{name}Name", th.StringType(), f"Label of `{name}`; null if unknown")
    return (
        integer(name, f"{description}: {meaning}"),
        replace(label, source=name, convert=lambda value, _extras, _path: names.get(value)),
    )


def last_updated_at(source: str) -> Column:
    """Declare ``lastUpdatedAt``, made of the ticks in another column."""
    label = _field("lastUpdatedAt", th.DateTimeType(), f"`{source}` as a UTC date and time")
    return replace(label, source=source, convert=_ticks)


def opt_in(field: Column) -> Column:
    """Leave a column out unless the catalog selects it: it is heavy, or sensitive."""
    return replace(field, selected=False)


def sensitive(why: Sensitivity, *fields: Column) -> tuple[Column, ...]:
    """Mark columns as in need of care, of which the reference tells."""
    return tuple(replace(field, sensitivity=why) for field in fields)


def strip_signed_urls(value: Any) -> Any:
    """Return a value without the signed addresses in it, at whatever depth."""
    if isinstance(value, dict):
        return {
            name: strip_signed_urls(v) for name, v in value.items() if name not in SIGNED_URL_KEYS
        }
    if isinstance(value, list):
        return [strip_signed_urls(item) for item in value]
    return value


def _field(name: str, kind: th.JSONTypeHelper[Any], description: str) -> Column:
    return Column(th.Property(name, kind, description=description))


def _link_type(*, nullable: bool = False) -> th.ObjectType:
    return th.ObjectType(
        th.Property("id", th.StringType, description="ID of the record"),
        th.Property("href", th.StringType, description="URL of the record in the API"),
        nullable=nullable,
    )


def _link(value: Any, extras: Extras, path: str) -> Any:
    if not isinstance(value, dict):
        extras[path] = value
        return None
    if not _LINK_KNOWN.issuperset(value):
        for name in value.keys() - _LINK_KNOWN:
            extras[f"{path}.{name}"] = value[name]
    get = value.get
    return {"id": get("id"), "href": get("href")}


def _object(inner: tuple[Column, ...]) -> Convert:
    blank = {field.name: None for field in inner}
    converts = [(f.name, f.source or f.name, f.convert) for f in inner if f.convert is not None]

    def convert(value: Any, extras: Extras, path: str) -> Any:
        if not isinstance(value, dict):
            extras[path] = value
            return None
        row = {**blank, **value}
        for name in value.keys() - blank.keys():
            del row[name]
            if name not in _DROPPED:
                extras[f"{path}.{name}"] = value[name]
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


_WITH_FRACTION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\d*Z")


def _moment(value: Any, extras: Extras, path: str) -> Any:
    if not isinstance(value, str):
        extras[path] = value
        return None
    if value.startswith(_NEVER):
        return None
    if len(value) == len("2022-04-23T14:00:00Z") and value[-1] == "Z":
        return value  # by far the most common form, and already right
    if _WITH_FRACTION.fullmatch(value):
        return f"{value[:26]}Z"
    try:
        return dotnet_ticks.to_column(dotnet_ticks.from_rfc3339(value))
    except ValueError:
        return value  # a local time: no zone may be invented for it


def _changed_at(value: Any, extras: Extras, path: str) -> Any:
    if isinstance(value, str) and _ZONELESS.fullmatch(value):
        value += "Z"
    return _moment(value, extras, path)


_ZONELESS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?")
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)(?:T00:00:00(?:\.0+)?(?:Z|[+-]\d\d:\d\d)?)?")


def _day(value: Any, extras: Extras, path: str) -> Any:
    if not isinstance(value, str):
        extras[path] = value
        return None
    if len(value) == len("2022-04-23"):
        return value  # by far the most common form, and already right
    if value.startswith(_NEVER):
        return None
    midnight = _MIDNIGHT.fullmatch(value)
    return midnight[1] if midnight else value


def _ticks(value: Any, _extras: Extras, _path: str) -> str | None:
    stamp = dotnet_ticks.parse(value)
    return None if stamp is None else dotnet_ticks.to_column(stamp)


def _as_json(value: Any, _extras: Extras, _path: str) -> str:
    return encoder.encode(strip_signed_urls(value)).decode()


def _as_text(value: Any, extras: Extras, path: str) -> str | None:
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    extras[path] = value
    return None


def _id_in(value: Any, _extras: Extras, _path: str) -> Any:
    return value.get("id") if isinstance(value, dict) else None


def _scrubbed(value: Any, _extras: Extras, _path: str) -> Any:
    return strip_signed_urls(value)
