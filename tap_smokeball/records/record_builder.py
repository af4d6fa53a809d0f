"""Builds a record from a row: every selected column, null where the API left it out.

The work follows from a stream's columns, the catalog's selection and the properties that a row has.
It is computed once for all rows with the same properties, so that a row costs a few operations on
whole dictionaries, and only columns that need it are converted one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk import typing as th

from tap_smokeball.errors import UnexpectedResponseError
from tap_smokeball.records.converters import HYPERMEDIA_KEYS, SIGNED_URL_KEYS
from tap_smokeball.records.extra_fields import EXTRA_FIELDS, ExtraFields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk.singerlib import SelectionMask

    from tap_smokeball.api.pagination import Key, Row
    from tap_smokeball.records.columns import Column
    from tap_smokeball.records.converters import Converter, Extras

MAX_LAYOUTS = 1_000
"""Layouts that are kept: a stream whose rows all differ must not take more and more memory."""


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
            UnexpectedResponseError: A row lacks a part of the key.
        """
        if self._only_name:
            by_key: dict[Key, Row] = {row.get(self._only_name): row for row in rows}
            if None in by_key:
                raise self._missing_key()
            return by_key
        by_key = {}
        for row in rows:
            key = tuple(
                converter(row.get(source), {}, source) if converter else row.get(source)
                for source, converter in self._parts
            )
            if None in key:
                raise self._missing_key()
            by_key[key] = row
        return by_key

    def _missing_key(self) -> UnexpectedResponseError:
        return UnexpectedResponseError(
            f"a row has no key ({self._names})", "Report the request id to Smokeball"
        )


class RowLayout(NamedTuple):
    """The work for all rows that have the same properties.

    Attributes:
        dropped: Properties that are not a selected column.
        unknown: Properties that no column declares as its own; a derived column may have their
            name.
        nulls: The columns that the rows do not have, as nulls.
        conversions: Column, source property and converter of each conversion.
    """

    dropped: list[str]
    unknown: list[str]
    nulls: dict[str, None]
    conversions: list[tuple[str, str, Converter]]


class RecordBuilder:
    """Builds the records of a stream.

    Args:
        columns: The columns of the stream.
        mask: The catalog's selection of columns and of properties nested in them.
        unknown_fields: The setting of this name.

    Attributes:
        extra_fields: Decides what the column ``extraFields`` holds, and counts it.
    """

    def __init__(self, columns: Iterable[Column], mask: SelectionMask, unknown_fields: str) -> None:
        columns = list(columns)
        self._selected = {c.name: c for c in columns if mask["properties", c.name]}
        self._declared = {column.name for column in columns if column.source is None}
        self._pruned = [
            (column.name, deselected)
            for column in self._selected.values()
            if (deselected := _deselected_fields(column, mask, ("properties", column.name)))
        ]
        self._layouts: dict[tuple[str, ...], RowLayout] = {}
        self.extra_fields = ExtraFields(columns, mask, unknown_fields)

    def records(self, rows: Iterable[Row], tap_columns: Mapping[str, Any]) -> Iterator[Row]:
        """Yield the records of rows.

        Args:
            rows: The rows as the API sent them.
            tap_columns: Values of the tap's own columns, as the parent's key.
        """
        layouts, pruned = self._layouts, self._pruned
        tap_columns = {name: v for name, v in tap_columns.items() if name in self._selected}
        extras: Extras = {}
        for row in rows:
            layout = layouts.get(tuple(row)) or self._layout(row)
            record = {**row, **layout.nulls, **tap_columns}
            for name in layout.dropped:
                del record[name]
            for name in layout.unknown:
                extras[name] = row[name]
            for name, source, converter in layout.conversions:
                value = row[source]
                if value is not None:
                    record[name] = converter(value, extras, name)
            for name, deselected in pruned:
                _prune(record[name], deselected)
            if extras:
                kept = self.extra_fields.select(extras, layout.unknown)
                if kept:
                    record[EXTRA_FIELDS.name] = kept
                extras = {}
            yield record

    def _layout(self, row: Row) -> RowLayout:
        unknown = row.keys() - self._declared - HYPERMEDIA_KEYS - SIGNED_URL_KEYS
        kept = (row.keys() - unknown) & self._selected.keys()
        layout = RowLayout(
            dropped=[name for name in row if name not in self._selected],
            unknown=[name for name in row if name in unknown],
            nulls=dict.fromkeys(name for name in self._selected if name not in kept),
            conversions=[
                (name, column.source or name, column.converter)
                for name, column in self._selected.items()
                if column.converter is not None and (column.source or name) in row
            ],
        )
        if len(self._layouts) >= MAX_LAYOUTS:
            self._layouts.clear()
        self._layouts[tuple(row)] = layout
        return layout


DeselectedFields = dict[str, Any]
"""Deselected properties of an object, or of the objects in a list.

None drops one, a nested dict looks inside.
"""


def _deselected_fields(
    column: Column, mask: SelectionMask, breadcrumb: tuple[str, ...]
) -> DeselectedFields:
    """Return the properties inside of a column, or of the objects in it, that are deselected."""
    deselected: DeselectedFields = {}
    schema = column.schema.to_dict()[column.name]
    for name in schema.get("items", schema).get("properties", {}):
        inner_breadcrumb = (*breadcrumb, "properties", name)
        if not mask[inner_breadcrumb]:
            deselected[name] = None
        else:
            inner = next((c for c in column.inner if c.name == name), None)
            if inner and (deeper := _deselected_fields(inner, mask, inner_breadcrumb)):
                deselected[name] = deeper
    return deselected


def _prune(value: Any, deselected: DeselectedFields) -> None:
    if isinstance(value, list):
        for item in value:
            _prune(item, deselected)
    if not isinstance(value, dict):
        return
    for name, deeper in deselected.items():
        if deeper is None:
            value.pop(name, None)
        else:
            _prune(value.get(name), deeper)
