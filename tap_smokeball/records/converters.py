"""Converters: from a value of the API to the value of a column.

A converter makes a value that every loader accepts, without loss. It relies on the types that
`tap_smokeball.records.type_checks` ensures. A value that no column can hold, such as an impossible
date, is kept among the extras, which become the column ``extraFields``.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from tap_smokeball import dotnet_ticks
from tap_smokeball.singer.message_writer import encode_json

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override


class ValueCounts(NamedTuple):
    """How many values were of an unexpected type or form, by their path in the row.

    Attributes:
        converted: Values that were converted to the type of their column.
        rejected: Values that do not fit their column, which is null.
    """

    converted: Counter[str]
    rejected: Counter[str]


class Extras(dict[str, Any]):
    """Values that no column holds, by their path in the row, as ``sourceItems.0.note``.

    Args:
        counts: Receives the number of unexpected values.

    Attributes:
        rejected: Names of the values that have a column but do not fit it.
    """

    def __init__(self, counts: ValueCounts) -> None:
        super().__init__()
        self._counts = counts
        self.rejected: list[str] = []

    @override
    def __setitem__(self, path: str, value: Any) -> None:
        super().__setitem__(self._free_name(path), value)

    def reject(self, path: str, value: Any) -> None:
        """Keep a value that does not fit its column."""
        self._counts.rejected[without_positions(path)] += 1
        self.rejected.append(self._free_name(path))
        self[path] = value

    def count_conversion(self, path: str) -> None:
        """Count a value that was converted to the type of its column."""
        self._counts.converted[without_positions(path)] += 1

    def _free_name(self, path: str) -> str:
        while path in self:  # a property may be named like a path
            path += "~"
        return path


class UnusualValueError(Exception):
    """A value is not of the usual form, so that its row has to be built in the general way."""


class StrictExtras(Extras):
    """Extras of rows that have none.

    Raises:
        UnusualValueError: There is one.
    """

    def __init__(self) -> None:
        super().__init__(ValueCounts(Counter(), Counter()))

    @override
    def __setitem__(self, path: str, value: Any) -> None:
        raise UnusualValueError

    @override
    def reject(self, path: str, value: Any) -> None:
        raise UnusualValueError


def without_positions(path: str) -> str:
    """Return a path in a row without the positions in lists, as ``sourceItems[].note``."""
    return _POSITION.sub("[]", path)


Converter = Callable[[Any, Extras, str], Any]
"""Takes the API's value, the extras, and the value's path; returns the column's value."""

HYPERMEDIA_KEYS = frozenset({"self", "relation", "rel", "method"})
"""Hypermedia that says nothing about the row."""

SIGNED_URL_KEYS = frozenset({"downloadUrl", "uploadUrl"})
"""Signed URLs: whoever holds one can read the document."""

_DROPPED_KEYS = HYPERMEDIA_KEYS | SIGNED_URL_KEYS
LINK_KEYS = frozenset({"id", "href", "etag"}) | _DROPPED_KEYS
"""The properties of a link, of which a record has the id and the href."""

_DOTNET_MIN_DATE = "0001-01-01T00:00:00"  # how .NET writes a date that was never set
_SECONDS_FORM = "2022-04-23T14:00:00Z"
_WITH_FRACTION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\d*Z")
_ZONELESS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?")
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)(?:T00:00:00(?:\.0+)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_MAX_DATES = 10_000  # distinct dates that are kept: 27 years of days
_POSITION = re.compile(r"\.\d+(?=\.|$)")


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
    if not LINK_KEYS.issuperset(value):
        for name in value.keys() - LINK_KEYS:
            extras[f"{path}.{name}"] = value[name]
    get = value.get
    return {"id": get("id"), "href": get("href")}


def to_object(columns: Sequence[InnerColumn]) -> Converter:
    """Return the converter of a nested object with these columns."""
    nulls = {column.name: None for column in columns}
    own = {column.name for column in columns if column.source == column.name}
    converted = [(c.name, c.source, c.converter) for c in columns if c.converter is not None]

    def convert(value: Any, extras: Extras, path: str) -> Any:
        row = {**nulls, **value}
        for name in value.keys() - own:
            if name in nulls:
                row[name] = None
            else:
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
        return [
            None if item is None else converter(item, extras, f"{path}.{index}")
            for index, item in enumerate(value)
        ]

    return convert


def to_date_time(value: str, extras: Extras, path: str) -> str | None:
    """Return a UTC date-time with at most six fractional digits; null if .NET's first instant.

    A local time is rejected: no time zone may be invented for it.
    """
    if value.startswith(_DOTNET_MIN_DATE):
        return None
    if len(value) == len(_SECONDS_FORM) and value[10] == "T" and value[-1] == "Z":
        return value  # by far the most common form, and already right
    if _WITH_FRACTION.fullmatch(value):
        return f"{value[:26]}Z"
    try:
        return dotnet_ticks.to_column(dotnet_ticks.from_rfc3339(value))
    except ValueError:
        extras.reject(path, value)
        return None


def to_updated_at(value: str, extras: Extras, path: str) -> str | None:
    """Return `to_date_time`; without a time zone it is UTC, as in the updated-since filters."""
    if _ZONELESS.fullmatch(value):
        value += "Z"
    return to_date_time(value, extras, path)


def to_date(value: str, extras: Extras, path: str) -> str | None:
    """Return a date; midnight of a date-time is its date."""
    try:
        return _parse_date(value)
    except ValueError:
        extras.reject(path, value)
        return None


@lru_cache(_MAX_DATES)  # dates repeat from row to row
def _parse_date(text: str) -> str | None:
    midnight = _MIDNIGHT.fullmatch(text)
    if midnight is None:
        raise ValueError("not a date")
    if text.startswith(_DOTNET_MIN_DATE):
        return None
    return date.fromisoformat(midnight[1]).isoformat()


def ticks_to_date_time(value: Any, _extras: Extras, _path: str) -> str | None:
    """Return .NET ticks as a UTC date-time."""
    ticks = dotnet_ticks.parse(value)
    return None if ticks is None else dotnet_ticks.to_column(ticks)


def to_json_text(value: Any, _extras: Extras, _path: str) -> str:
    """Return a value, less signed URLs, as JSON text."""
    return encode_json(strip_signed_urls(value)).decode()


def to_string(value: str | int, _extras: Extras, _path: str) -> str:
    """Return a string; the digits of a number."""
    return str(value)


def to_linked_id(value: Any, _extras: Extras, _path: str) -> Any:
    """Return the id of a link; null if there is no link."""
    return value.get("id") if isinstance(value, dict) else None


def to_stripped(value: Any, _extras: Extras, _path: str) -> Any:
    """Return a value without the signed URLs in it."""
    return strip_signed_urls(value)


def to_label(labels: Mapping[int, str]) -> Converter:
    """Return the converter from a number to its label; null if it has none."""

    def convert(value: int, _extras: Extras, _path: str) -> str | None:
        return labels.get(value)

    return convert
