"""Converters: from a value of the API to the value of a column.

A converter makes a value that fits the schema of its column, without loss. A value that cannot be
converted is kept among the extras, which become the column ``extraFields``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from tap_smokeball import dotnet_ticks
from tap_smokeball.singer.message_writer import encode_json

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override


NoneType = type(None)


class Extras(dict[str, Any]):
    """Values that no column holds, by their path in the row, as ``sourceItems.0.note``.

    Attributes:
        unexpected: Paths of the values that do not fit their column.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unexpected: list[str] = []

    @override
    def __setitem__(self, path: str, value: Any) -> None:
        while path in self:  # a property may be named like a path
            path += "~"
        super().__setitem__(path, value)

    def reject(self, path: str, value: Any) -> None:
        """Keep a value that does not fit its column."""
        self.unexpected.append(path)
        self[path] = value


Converter = Callable[[Any, Extras, str], Any]
"""Takes the API's value, the extras, and the value's path; returns the column's value."""

HYPERMEDIA_KEYS = frozenset({"self", "relation", "rel", "method"})
"""Hypermedia that says nothing about the row."""

SIGNED_URL_KEYS = frozenset({"downloadUrl", "uploadUrl"})
"""Signed URLs: whoever holds one can read the document."""

PLAIN_STRING, PLAIN_INTEGER = frozenset({str}), frozenset({int})
PLAIN_DECIMAL, PLAIN_BOOLEAN = frozenset({int, Decimal}), frozenset({bool})
"""Types of values that fit a column of that kind as they are."""

_DROPPED_KEYS = HYPERMEDIA_KEYS | SIGNED_URL_KEYS
_LINK_KEYS = frozenset({"id", "href", "etag"}) | _DROPPED_KEYS
_SHORTEST_MONTH = 28  # days
_DATE = r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_ONLY_DATE = re.compile(_DATE)
_IN_UTC = re.compile(rf"{_DATE}{_TIME}(\.[0-9]{{6,}})?Z")
_ZONELESS = re.compile(rf"{_DATE}{_TIME}(?:\.[0-9]+)?")
_ZONE = r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
_MIDNIGHT = re.compile(rf"({_DATE})T00:00:00(?:\.0+)?{_ZONE}?")
_DOTNET_MIN_DATE = re.compile(rf"0001-01-01T00:00:00(?:\.0+)?{_ZONE}?")  # a date that was never set
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,60})(?:\.[0-9]{1,60})?(?:[eE][+-]?[0-9]{1,3})?")
_MAX_EXPONENT = 400  # beyond any double
_INT64 = range(-(1 << 63), 1 << 63)
_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}


class InnerColumn(NamedTuple):
    """A column of a nested object, for `to_object`.

    Attributes:
        name: Name of the column.
        source: Property that its value is made from, if it is derived.
        converter: Makes the value.
        plain_types: Types of values that need no conversion.
    """

    name: str
    source: str | None
    converter: Converter
    plain_types: frozenset[type]


def strip_signed_urls(value: Any) -> Any:
    """Return a value without the signed URLs in it, at any depth."""
    if isinstance(value, dict):
        return {
            name: strip_signed_urls(inner)
            for name, inner in value.items()
            if name not in SIGNED_URL_KEYS
        }
    if isinstance(value, list):
        return [strip_signed_urls(item) for item in value]
    return value


def to_link(value: Any, extras: Extras, path: str) -> Any:
    """Return the id and the href of a link."""
    if not isinstance(value, dict):
        extras.reject(path, value)
        return None
    if not _LINK_KEYS.issuperset(value):
        for name in value.keys() - _LINK_KEYS:
            extras[f"{path}.{name}"] = value[name]
    id_, href = value.get("id"), value.get("href")
    if id_ is not None and type(id_) is not str:
        id_ = to_string(id_, extras, f"{path}.id")
    if href is not None and type(href) is not str:
        href = to_string(href, extras, f"{path}.href")
    return {"id": id_, "href": href}


def to_object(columns: Sequence[InnerColumn]) -> Converter:
    """Return the converter of a nested object with these columns."""
    nulls = {column.name: None for column in columns}
    declared = frozenset(column.name for column in columns if column.source is None)
    own = [(c.name, c.converter, c.plain_types | {NoneType}) for c in columns if c.source is None]
    derived = [(c.name, c.source, c.converter) for c in columns if c.source is not None]

    def convert(value: Any, extras: Extras, path: str) -> Any:
        if not isinstance(value, dict):
            extras.reject(path, value)
            return None
        row = {**nulls, **value}
        if not declared.issuperset(value):
            for name in value.keys() - declared:
                del row[name]
                if name not in _DROPPED_KEYS:
                    extras[f"{path}.{name}"] = value[name]
            row = {**nulls, **row}
        for name, converter, plain_types in own:
            if type(row[name]) not in plain_types:
                row[name] = converter(row[name], extras, f"{path}.{name}")
        for name, source, converter in derived:
            if value.get(source) is not None:
                row[name] = converter(value[source], extras, f"{path}.{name}")
        return row

    return convert


def to_list(converter: Converter, plain_types: frozenset[type] = frozenset()) -> Converter:
    """Return the converter of a list whose items another one converts."""
    plain_types |= {NoneType}

    def convert(value: Any, extras: Extras, path: str) -> Any:
        if not isinstance(value, list):
            extras.reject(path, value)
            return None
        return [
            item if type(item) in plain_types else converter(item, extras, f"{path}.{index}")
            for index, item in enumerate(value)
        ]

    return convert


def to_date_time(value: Any, extras: Extras, path: str) -> Any:
    """Return a UTC date-time with at most six fractional digits; null if .NET's first instant.

    A local time is not one: no time zone may be invented for it.
    """
    if isinstance(value, str):
        if value.startswith("0001") and _DOTNET_MIN_DATE.fullmatch(value):
            return None
        match = _IN_UTC.fullmatch(value)
        if match and (value[8] < "2" or _is_in_calendar(value)):
            return value if match[1] is None else f"{value[:26]}Z"
        try:
            return dotnet_ticks.to_column(dotnet_ticks.from_rfc3339(value))
        except ValueError:
            pass
    extras.reject(path, value)
    return None


def to_updated_at(value: Any, extras: Extras, path: str) -> Any:
    """Return `to_date_time`; without a time zone it is UTC, as in the updated-since filters."""
    if isinstance(value, str) and _ZONELESS.fullmatch(value) and _is_in_calendar(value):
        value += "Z"
    return to_date_time(value, extras, path)


def to_date(value: Any, extras: Extras, path: str) -> Any:
    """Return a date; midnight of a date-time is its date."""
    if isinstance(value, str):
        if _ONLY_DATE.fullmatch(value) and _is_in_calendar(value):
            return value
        if _DOTNET_MIN_DATE.fullmatch(value):
            return None
        midnight = _MIDNIGHT.fullmatch(value)
        if midnight and _is_in_calendar(value):
            return midnight[1]
    extras.reject(path, value)
    return None


def _is_in_calendar(value: str) -> bool:
    """Return whether the month of a well-formed date has that day."""
    if int(value[8:10]) <= _SHORTEST_MONTH:
        return True
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def ticks_to_date_time(value: Any, _extras: Extras, _path: str) -> str | None:
    """Return .NET ticks as a UTC date-time."""
    ticks = dotnet_ticks.parse(value)
    return None if ticks is None else dotnet_ticks.to_column(ticks)


def to_json_text(value: Any, _extras: Extras, _path: str) -> str:
    """Return a value, less signed URLs, as JSON text."""
    return encode_json(strip_signed_urls(value)).decode()


def to_string(value: Any, extras: Extras, path: str) -> str | None:
    """Return a string; the digits of a number."""
    if isinstance(value, (str, int, Decimal)) and not isinstance(value, bool):
        return str(value)
    extras.reject(path, value)
    return None


def to_integer(value: Any, extras: Extras, path: str) -> int | None:
    """Return an integer, also from a number without a fraction or its digits."""
    if type(value) is int:
        return value
    number = _as_number(value)
    if number is not None and number == number.to_integral_value() and int(number) in _INT64:
        return int(number)
    extras.reject(path, value)
    return None


def to_decimal(value: Any, extras: Extras, path: str) -> int | Decimal | None:
    """Return a number, also from its digits."""
    number = _as_number(value)
    if number is not None:
        return number
    extras.reject(path, value)
    return None


def to_decimal_string(value: Any, extras: Extras, path: str) -> str | None:
    """Return the digits of a number, without an exponent."""
    number = _as_number(value)
    if number is not None:
        return f"{number:f}"
    extras.reject(path, value)
    return None


def _as_number(value: Any) -> Decimal | None:
    """Return a number, or that which a text consists of, within the range of a double."""
    if (isinstance(value, str) and _NUMBER.fullmatch(value)) or type(value) is int:
        value = Decimal(value)
    if isinstance(value, Decimal) and abs(value.adjusted()) <= _MAX_EXPONENT:
        return value
    return None


def to_boolean(value: Any, extras: Extras, path: str) -> bool | None:
    """Return a boolean, also from its name."""
    if isinstance(value, str) and value in _BOOLEANS:
        return _BOOLEANS[value]
    extras.reject(path, value)
    return None


def to_linked_id(value: Any, _extras: Extras, path: str) -> Any:
    """Return the id of a link; the column of the link keeps one that is none."""
    id_ = value.get("id") if isinstance(value, dict) else None
    return None if id_ is None else to_string(id_, Extras(), path)


def to_stripped_object(value: Any, extras: Extras, path: str) -> Any:
    """Return an object without the signed URLs in it."""
    if isinstance(value, dict):
        return strip_signed_urls(value)
    extras.reject(path, value)
    return None


def to_label(labels: Mapping[int, str]) -> Converter:
    """Return the converter from a number to its label; null if it has none."""

    def convert(value: Any, _extras: Extras, path: str) -> str | None:
        number = value if type(value) is int else to_integer(value, Extras(), path)
        return None if number is None else labels.get(number)

    return convert
