"""Converters: from a value of the API to the value of a column.

A converter makes a value that every loader accepts without loss. A value of an unexpected type is
not guessed at but kept among the extras, which become the column ``extraFields``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tap_smokeball import dotnet_ticks
from tap_smokeball.singer.message_writer import encode_json

Extras = dict[str, Any]
"""Values that no column holds, by their path in the row, as ``sourceItems.0.note``."""

Converter = Callable[[Any, Extras, str], Any]
"""Takes the API's value, the extras, and the value's path; returns the column's value."""

HYPERMEDIA_KEYS = frozenset({"self", "relation", "rel", "method"})
"""Hypermedia that says nothing about the row."""

SIGNED_URL_KEYS = frozenset({"downloadUrl", "uploadUrl"})
"""Signed URLs: whoever holds one can read the document."""

_DROPPED_KEYS = HYPERMEDIA_KEYS | SIGNED_URL_KEYS
_LINK_KEYS = frozenset({"id", "href", "etag"}) | _DROPPED_KEYS
_DOTNET_MIN_DATE = "0001-01-01T00:00:00"  # how .NET writes a date that was never set
_SECONDS_FORM = "2022-04-23T14:00:00Z"
_DATE_FORM = "2022-04-23"
_WITH_FRACTION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\d*Z")
_ZONELESS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?")
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)(?:T00:00:00(?:\.0+)?(?:Z|[+-]\d\d:\d\d)?)?")


class InnerColumn(NamedTuple):
    """A column of a nested object, for `to_object`.

    Attributes:
        name: Name of the column.
        source: Property that its value is made from.
        converter: Makes the value; None passes the API's value on.
    """

    name: str
    source: str
    converter: Converter | None


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
        extras[path] = value
        return None
    if not _LINK_KEYS.issuperset(value):
        for name in value.keys() - _LINK_KEYS:
            extras[f"{path}.{name}"] = value[name]
    get = value.get
    return {"id": get("id"), "href": get("href")}


def to_object(columns: Sequence[InnerColumn]) -> Converter:
    """Return the converter of a nested object with these columns."""
    nulls = {column.name: None for column in columns}
    converted = [(c.name, c.source, c.converter) for c in columns if c.converter is not None]

    def convert(value: Any, extras: Extras, path: str) -> Any:
        if not isinstance(value, dict):
            extras[path] = value
            return None
        row = {**nulls, **value}
        for name in value.keys() - nulls.keys():
            del row[name]
            if name not in _DROPPED_KEYS:
                extras[f"{path}.{name}"] = value[name]
        for name, source, converter in converted:
            if value.get(source) is not None:
                row[name] = converter(value[source], extras, f"{path}.{name}")
        return row

    return convert


def to_list(converter: Converter) -> Converter:
    """Return the converter of a list whose items another one converts."""

    def convert(value: Any, extras: Extras, path: str) -> Any:
        if not isinstance(value, list):
            extras[path] = value
            return None
        return [converter(item, extras, f"{path}.{index}") for index, item in enumerate(value)]

    return convert


def to_date_time(value: Any, extras: Extras, path: str) -> Any:
    """Return a UTC date-time with at most six fractional digits; null if .NET's first instant."""
    if not isinstance(value, str):
        extras[path] = value
        return None
    if value.startswith(_DOTNET_MIN_DATE):
        return None
    if len(value) == len(_SECONDS_FORM) and value[-1] == "Z":
        return value  # by far the most common form, and already right
    if _WITH_FRACTION.fullmatch(value):
        return f"{value[:26]}Z"
    try:
        return dotnet_ticks.to_column(dotnet_ticks.from_rfc3339(value))
    except ValueError:
        return value  # a local time: no time zone may be invented for it


def to_updated_at(value: Any, extras: Extras, path: str) -> Any:
    """Return `to_date_time`; without a time zone it is UTC, as in the updated-since filters."""
    if isinstance(value, str) and _ZONELESS.fullmatch(value):
        value += "Z"
    return to_date_time(value, extras, path)


def to_date(value: Any, extras: Extras, path: str) -> Any:
    """Return a date; midnight of a date-time is its date."""
    if not isinstance(value, str):
        extras[path] = value
        return None
    if len(value) == len(_DATE_FORM):
        return value  # by far the most common form, and already right
    if value.startswith(_DOTNET_MIN_DATE):
        return None
    midnight = _MIDNIGHT.fullmatch(value)
    return midnight[1] if midnight else value


def ticks_to_date_time(value: Any, _extras: Extras, _path: str) -> str | None:
    """Return .NET ticks as a UTC date-time."""
    ticks = dotnet_ticks.parse(value)
    return None if ticks is None else dotnet_ticks.to_column(ticks)


def to_json_text(value: Any, _extras: Extras, _path: str) -> str:
    """Return a value, less signed URLs, as JSON text."""
    return encode_json(strip_signed_urls(value)).decode()


def to_string(value: Any, extras: Extras, path: str) -> str | None:
    """Return a string; the digits of a number."""
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    extras[path] = value
    return None


def to_linked_id(value: Any, _extras: Extras, _path: str) -> Any:
    """Return the id of a link."""
    return value.get("id") if isinstance(value, dict) else None


def to_stripped(value: Any, _extras: Extras, _path: str) -> Any:
    """Return a value without the signed URLs in it."""
    return strip_signed_urls(value)


def to_label(labels: Mapping[int, str]) -> Converter:
    """Return the converter from a number to its label; null if it has none."""

    def convert(value: Any, _extras: Extras, _path: str) -> str | None:
        # An object or a list cannot be looked up.
        return None if isinstance(value, (dict, list)) else labels.get(value)

    return convert
