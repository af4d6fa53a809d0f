"""Builds a record from a row: every selected column, null where the API left it out.

The work follows from a stream's columns, the catalog's selection and the properties that a row has.
It is computed once for all rows with the same properties, so that a row costs a few operations on
whole dictionaries, and only columns that need it are converted one by one.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from singer_sdk import typing as th

from tap_smokeball.errors import UnexpectedResponseError
from tap_smokeball.records.columns import Column
from tap_smokeball.records.converters import (
    HYPERMEDIA_KEYS,
    SIGNED_URL_KEYS,
    Extras,
    NoneType,
    strip_signed_urls,
    to_stripped_object,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from singer_sdk.singerlib import SelectionMask

    from tap_smokeball.api.pagination import Key, Row
    from tap_smokeball.records.converters import Converter

EXTRA_FIELDS = Column(
    th.Property(
        "extraFields",
        th.ObjectType(additional_properties=True),
        description="API fields without a column of their own, keyed by path in the record",
    ),
    to_stripped_object,
)
"""The column that keeps what the vendor adds before the tap knows it."""

MAX_LAYOUTS = MAX_TYPES = 1_000
"""Layouts that are kept, and combinations of types for each: a stream whose rows all differ must
not take more and more memory."""

_KEY_TYPES = frozenset({str, int})


def json_schema(columns: Iterable[Column]) -> dict[str, Any]:
    """Return the JSON Schema of records with these columns."""
    return th.PropertiesList(*(column.schema for column in columns)).to_dict()


class RowKey:
    """Tells the rows of a list apart.

    Args:
        columns: The columns of the key; some may be derived from other properties.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = ", ".join(column.name for column in columns)
        self._parts = [(c.source or c.name, c.converter if c.source else None) for c in columns]
        is_plain = len(columns) == 1 and not columns[0].source
        self._only_name = columns[0].name if is_plain else ""

    def __call__(self, rows: Iterable[Row]) -> dict[Key, Row]:
        """Return rows by their keys.

        Raises:
            UnexpectedResponseError: A row lacks a part of the key, or has no text or number there.
        """
        by_key: dict[Key, Row]
        try:
            if self._only_name:
                by_key = {row.get(self._only_name): row for row in rows}
                parts: Iterable[Any] = by_key
            else:
                by_key = {self._key(row): row for row in rows}
                parts = chain.from_iterable(cast("Iterable[tuple[Any, ...]]", by_key))
            if _KEY_TYPES.issuperset(map(type, parts)):
                return by_key
        except TypeError:  # a list or an object cannot be a key
            pass
        raise UnexpectedResponseError(
            f"a row has no key ({self._names})", "Report the request id to Smokeball"
        )

    def _key(self, row: Row) -> tuple[Any, ...]:
        return tuple(
            converter(row.get(source), Extras(), source) if converter else row.get(source)
            for source, converter in self._parts
        )


class RowLayout(NamedTuple):
    """The work for all rows that have the same properties.

    Attributes:
        dropped: Properties that are not a selected column.
        unknown: Properties that no column declares as its own; a derived column may have their
            name.
        replaced: Properties whose place a column of the tap takes.
        nulls: The columns that the rows do not have, as nulls.
        conversions: Column, source property and converter of each conversion.
        plain: The columns whose values mostly need no conversion.
        plain_values: Takes their values out of a row.
        plain_types: Combinations of their types that were found to need none.
    """

    dropped: list[str]
    unknown: list[str]
    replaced: list[str]
    nulls: dict[str, None]
    conversions: list[tuple[str, str, Converter]]
    plain: list[Column]
    plain_values: Callable[[Row], tuple[Any, ...]]
    plain_types: set[tuple[type, ...]]

    def convert_exceptions(self, record: Row, types: tuple[type, ...], extras: Extras) -> None:
        """Convert the plain values of a record that are of another type than their column."""
        is_plain = True
        for column, kind in zip(self.plain, types, strict=True):
            if kind not in column.plain_types and kind is not NoneType:
                is_plain = False
                name = column.name
                record[name] = column.converter(record[name], extras, name)
        if is_plain and len(self.plain_types) < MAX_TYPES:
            self.plain_types.add(types)

    def keep_unknown(self, row: Row, tap_columns: Mapping[str, Any], extras: Extras) -> None:
        """Keep the properties that have no column, or lost theirs to one of the tap."""
        for name in self.unknown:
            extras[name] = row[name]
        for name in self.replaced:
            if row[name] is not None and row[name] != tap_columns[name]:
                extras[name] = row[name]


class RecordBuilder:
    """Builds the records of a stream.

    Args:
        columns: The columns of the stream.
        mask: The catalog's selection of columns and of properties nested in them.

    Attributes:
        unknown_fields: Names of fields that the API sent and no column declares.
        unexpected_values: Number of values that do not fit their column, by path.
    """

    def __init__(self, columns: Iterable[Column], mask: SelectionMask) -> None:
        columns = list(columns)
        self._selected = {c.name: c for c in columns if mask["properties", c.name]}
        self._declared = {column.name for column in columns if column.source is None}
        self._declared -= {EXTRA_FIELDS.name}
        self._derived = {column.name for column in columns if column.source is not None}
        self._pruned = [
            (column.name, deselected)
            for column in self._selected.values()
            if (deselected := _deselected_fields(column, mask, ("properties", column.name)))
        ]
        self._layouts: dict[tuple[str, ...], RowLayout] = {}
        self.unknown_fields: set[str] = set()
        self.unexpected_values: Counter[str] = Counter()

    def records(self, rows: Iterable[Row], tap_columns: Mapping[str, Any]) -> Iterator[Row]:
        """Yield the records of rows.

        Args:
            rows: The rows as the API sent them.
            tap_columns: Values of the tap's own columns, as the parent's key.
        """
        layouts, pruned = self._layouts, self._pruned
        tap_columns = {name: v for name, v in tap_columns.items() if name in self._selected}
        extras = Extras()
        for row in rows:
            layout = layouts.get(tuple(row)) or self._layout(row, tap_columns)
            record = {**row, **layout.nulls, **tap_columns}
            for name in layout.dropped:
                del record[name]
            for name, source, converter in layout.conversions:
                value = row[source]
                if value is not None:
                    record[name] = converter(value, extras, name)
            types = tuple(map(type, layout.plain_values(row)))
            if types not in layout.plain_types:
                layout.convert_exceptions(record, types, extras)
            if layout.unknown or layout.replaced:
                layout.keep_unknown(row, tap_columns, extras)
            for name, deselected in pruned:
                _prune(record[name], deselected)
            if extras:
                self._count(extras)
                if EXTRA_FIELDS.name in record:
                    record[EXTRA_FIELDS.name] = strip_signed_urls(extras)
                extras = Extras()
            yield record

    def _count(self, extras: Extras) -> None:
        self.unexpected_values.update(extras.unexpected)
        self.unknown_fields |= extras.keys() - set(extras.unexpected)

    def _layout(self, row: Row, tap_columns: Mapping[str, Any]) -> RowLayout:
        unknown = row.keys() - self._declared - HYPERMEDIA_KEYS - SIGNED_URL_KEYS
        kept = (row.keys() - unknown) & self._selected.keys()
        converted = {
            name: column
            for name, column in self._selected.items()
            if name not in tap_columns and name in kept | self._derived
        }
        plain = [column for column in converted.values() if column.plain_types]
        layout = RowLayout(
            dropped=[name for name in row if name not in self._selected],
            unknown=[name for name in row if name in unknown],
            replaced=[name for name in row if name in tap_columns and name not in unknown],
            nulls=dict.fromkeys(name for name in self._selected if name not in kept),
            conversions=[
                (name, column.source or name, column.converter)
                for name, column in converted.items()
                if not column.plain_types and (column.source or name) in row
            ],
            plain=plain,
            plain_values=_getter([column.name for column in plain]),
            plain_types=set(),
        )
        if len(self._layouts) >= MAX_LAYOUTS:
            self._layouts.clear()
        self._layouts[tuple(row)] = layout
        return layout


def _getter(names: list[str]) -> Callable[[Row], tuple[Any, ...]]:
    """Return what takes the values of some properties out of a row."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple(row[name] for name in names)


DeselectedFields = dict[str, Any]
"""Deselected properties of a nested object: None drops one, a nested dict looks inside."""


def _deselected_fields(
    column: Column, mask: SelectionMask, breadcrumb: tuple[str, ...]
) -> DeselectedFields:
    """Return the properties inside of a column that the catalog deselects.

    A Singer catalog can name the properties of nested objects, not those of objects in lists.
    """
    deselected: DeselectedFields = {}
    for name in column.schema.to_dict()[column.name].get("properties", {}):
        inner_breadcrumb = (*breadcrumb, "properties", name)
        if not mask[inner_breadcrumb]:
            deselected[name] = None
        else:
            inner = next((c for c in column.inner if c.name == name), None)
            if inner and (deeper := _deselected_fields(inner, mask, inner_breadcrumb)):
                deselected[name] = deeper
    return deselected


def _prune(value: Any, deselected: DeselectedFields) -> None:
    if not isinstance(value, dict):
        return
    for name, deeper in deselected.items():
        if deeper is None:
            value.pop(name, None)
        else:
            _prune(value.get(name), deeper)
