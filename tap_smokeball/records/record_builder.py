"""Builds a record from a row: every selected column, null where the API left it out.

The work follows from a stream's columns, the catalog's selection and the properties that a row has.
It is computed once for all rows with the same properties, so that a row costs a few operations on
whole dictionaries, and only columns that need it are converted one by one.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from singer_sdk import typing as th

from tap_smokeball.api.typed_rows import TypedRow, as_dict
from tap_smokeball.errors import UnexpectedResponseError
from tap_smokeball.records.converters import (
    HYPERMEDIA_KEYS,
    SIGNED_URL_KEYS,
    Extras,
    ValueCounts,
    to_date,
    to_link,
)
from tap_smokeball.records.extra_fields import EXTRA_FIELDS, ExtraFields
from tap_smokeball.records.learned_types import LearnedTypes
from tap_smokeball.records.type_checks import Form, RowCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from singer_sdk.singerlib import SelectionMask

    from tap_smokeball.api.client import DecodeUsual
    from tap_smokeball.api.pages import Key, Row
    from tap_smokeball.records.columns import Column
    from tap_smokeball.records.converters import Converter

PIECE_ROWS = 200
"""Rows that become records at once, and are written while the processor's caches hold them."""

MAX_LAYOUTS = 1_000
"""Layouts that are kept: a stream whose rows all differ must not take more and more memory."""

_KEY_TYPES = frozenset({str, int, Decimal})  # the types that become a text without loss
_NO_EXTRAS = Extras(ValueCounts(Counter(), Counter()))


def json_schema(columns: Iterable[Column]) -> dict[str, Any]:
    """Return the JSON Schema of records with these columns."""
    return th.PropertiesList(*(column.schema for column in columns)).to_dict()


class RowKey:
    """Tells the rows of a list apart.

    Args:
        columns: The columns of the key; some may be derived from other properties.

    Attributes:
        sources: The properties that the key is made of.
        is_plain: Whether the key is these properties as they are, so that typed rows have it.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = ", ".join(column.name for column in columns)
        self._parts = [(c.source or c.name, c.converter if c.source else None) for c in columns]
        self.sources = [source for source, _ in self._parts]
        self.is_plain = not any(converter for _, converter in self._parts)
        self._only_name = self.sources[0] if self.is_plain and len(columns) == 1 else ""
        self._typed_key: Callable[[Any], Any] = attrgetter(*self.sources or ("",))

    def __call__(self, rows: Iterable[Row]) -> dict[Key, Row]:
        """Return rows by their keys.

        Raises:
            UnexpectedResponseError: A row lacks a part of the key, or has no text or number there.
        """
        by_key: dict[Key, Row]
        rows = list(rows)
        try:
            if rows and isinstance(rows[0], TypedRow):
                by_key = dict(zip(map(self._typed_key, rows), rows, strict=True))
            elif self._only_name:
                by_key = {row.get(self._only_name): row for row in rows}
            else:
                by_key = {self._key(row): row for row in rows}
            parts: Iterable[Any] = by_key
            if len(self._parts) != 1:
                parts = chain.from_iterable(cast("Iterable[tuple[Any, ...]]", by_key))
            if _KEY_TYPES.issuperset(map(type, parts)):
                return by_key
        except TypeError:  # a list or an object cannot be a key
            pass
        raise UnexpectedResponseError(
            f"a row has no key ({self._names})", "Report the request id to Smokeball"
        )

    def _key(self, row: Row) -> Any:
        parts = tuple(
            converter(row.get(source), _NO_EXTRAS, source) if converter else row.get(source)
            for source, converter in self._parts
        )
        return parts if len(parts) != 1 else parts[0]


class RowLayout(NamedTuple):
    """The work for all rows that have the same properties.

    Attributes:
        dropped: Properties that are not a selected column.
        unknown: Properties that no column declares as its own; a derived column may have their
            name.
        nulls: The columns that the rows do not have, as nulls, if another property has their name.
        plain_links: The links that hold nothing that a record would keep.
        conversions: Column, source property and converter of each other conversion.
    """

    dropped: list[str]
    unknown: list[str]
    nulls: dict[str, None]
    plain_links: list[str]
    conversions: list[tuple[str, str, Converter]]


class RecordBuilder:
    """Builds the records of a stream.

    Args:
        columns: The columns of the stream.
        mask: The catalog's selection of columns and of properties nested in them.
        unknown_fields: The setting of this name.
        counts: Receives the number of values of an unexpected type or form.

    Attributes:
        extra_fields: Decides what the column ``extraFields`` holds, and counts it.
    """

    def __init__(
        self,
        columns: Iterable[Column],
        mask: SelectionMask,
        unknown_fields: str,
        counts: ValueCounts,
    ) -> None:
        columns = list(columns)
        self._counts = counts
        self._selected = {c.name: c for c in columns if mask["properties", c.name]}
        self._nulls = dict.fromkeys(self._selected)
        self._declared = {column.name for column in columns if column.source is None}
        self._declared -= {EXTRA_FIELDS.name}
        sources = {column.source or column.name for column in self._selected.values()}
        self._check = RowCheck(c for c in columns if c.name in sources & self._declared)
        self._pruned = [
            (column.name, deselected)
            for column in self._selected.values()
            if (deselected := _deselected_fields(column, mask, ("properties", column.name)))
        ]
        # A page of plain rows takes less work, so that it has layouts of its own.
        self._layouts: dict[bool, dict[tuple[str, ...], RowLayout]] = {False: {}, True: {}}
        self.extra_fields = ExtraFields(columns, mask, unknown_fields)
        # Each layout refers to the same ones: the layouts of all streams took most of the memory.
        self._conversions = [
            (name, column.source or name, column.converter)
            for name, column in self._selected.items()
            if column.converter is not None
        ]
        self._columns = columns
        self._types: LearnedTypes | None = None

    def learn_types(self, needed: Iterable[str]) -> None:
        """Learn which form the rows usually have, for `decode_usual`.

        Args:
            needed: Names of properties that are read of rows before they become records.
        """
        # Objects that the catalog selects in part are built one by one.
        if self._types is None and not self._pruned:
            self._types = LearnedTypes(self._columns, self._selected, needed)

    @property
    def decode_usual(self) -> DecodeUsual | None:
        """The function that decodes a page of usual rows, once there is one."""
        return self._types.decode if self._types else None

    def records(self, rows: list[Row], tap_columns: Mapping[str, Any]) -> Iterator[list[Row]]:
        """Yield the records of rows, in pieces.

        Args:
            rows: The rows as the API sent them, or as `decode_usual` decoded them; these become
                the records.
            tap_columns: Values of the tap's own columns, as the parent's key.
        """
        tap_columns = {name: v for name, v in tap_columns.items() if name in self._selected}
        for start in range(0, len(rows), PIECE_ROWS):
            piece = rows[start : start + PIECE_ROWS]
            if isinstance(piece[0], TypedRow):
                typed = cast("list[TypedRow]", piece)
                if records := self._build_typed(typed, tap_columns):
                    yield cast("list[Row]", records)
                    continue
                piece = [as_dict(row) for row in typed]
            yield list(self._build(piece, tap_columns))
            if self._types:
                self._types.count(len(piece))

    def _build_typed(
        self, rows: list[TypedRow], tap_columns: Mapping[str, Any]
    ) -> list[TypedRow] | None:
        """Return the records of typed rows, or None if they have to be built from dicts."""
        row_type = cast("LearnedTypes", self._types).type_of(rows)
        records = row_type.build(rows, tap_columns)
        if row_type.unknown:
            for record in records or ():
                if found := row_type.take_unknown(record):
                    extras = Extras(self._counts)
                    extras.update(found)
                    if kept := self.extra_fields.select(extras, found):
                        setattr(record, EXTRA_FIELDS.name, kept)
        return records

    def _build(self, rows: Sequence[Row], tap_columns: Mapping[str, Any]) -> Iterator[Row]:
        pruned, columns = self._pruned, self._nulls
        extras = Extras(self._counts)
        form = self._check.form(rows)
        is_plain, is_invalid = form is Form.PLAIN, form is Form.INVALID
        layouts = self._layouts[is_plain]
        for sent in rows:
            row = self._check.repair(sent, extras) if is_invalid else sent
            layout = layouts.get(tuple(row)) or self._layout(row, is_plain=is_plain)
            dropped, unknown, nulls, links, conversions = layout
            record = {**columns, **row, **nulls, **tap_columns}
            for name in dropped:
                del record[name]
            for name in unknown:
                extras[name] = row[name]
            for name in links:
                link = row[name]
                if link is not None:  # what `to_link` does, without the cost of a call
                    record[name] = {"id": link.get("id"), "href": link.get("href")}
            for name, source, converter in conversions:
                value = row[source]
                if value is not None:
                    record[name] = converter(value, extras, name)
            for name, deselected in pruned:
                _prune(record[name], deselected)
            if extras:
                self._keep_extras(record, extras, unknown)
                extras = Extras(self._counts)
            yield record

    def _keep_extras(self, record: Row, extras: Extras, unknown: list[str]) -> None:
        if kept := self.extra_fields.select(extras, unknown):
            record[EXTRA_FIELDS.name] = kept

    def _layout(self, row: Row, *, is_plain: bool) -> RowLayout:
        unknown = row.keys() - self._declared - HYPERMEDIA_KEYS - SIGNED_URL_KEYS
        kept = (row.keys() - unknown) & self._selected.keys()
        conversions = [each for each in self._conversions if each[1] in row]
        layout = RowLayout(
            dropped=[name for name in row if name not in self._selected],
            unknown=[name for name in row if name in unknown],
            nulls=dict.fromkeys(name for name in self._selected if name in row.keys() - kept),
            plain_links=[name for name, _, each in conversions if is_plain and each is to_link],
            conversions=[c for c in conversions if not (is_plain and c[2] in (to_link, to_date))],
        )
        if self._types:
            self._types.learn(row, unknown)
        layouts = self._layouts[is_plain]
        if len(layouts) >= MAX_LAYOUTS:
            layouts.clear()
        layouts[tuple(row)] = layout
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
