"""Makes a record of a row: every selected column, null where the API left it out, nothing lost.

The work is compiled once a stream from its columns and the catalog's selection, so that a row
costs a few operations on whole dictionaries, and only columns that need it are touched one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from tap_smokeball.errors import UnexpectedAnswer
from tap_smokeball.fields import NEVER_EMITTED, NOISE, Extras, Field, scrub

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from singer_sdk.singerlib import SelectionMask

    from tap_smokeball.pagination import Key, Row

EXTRA = Field(
    th.Property(
        "extraFields",
        th.ObjectType(additional_properties=True),
        description="What the API sent and no other column holds, by its path in the row",
    ),
)
"""The column that keeps what the vendor adds before the tap knows it."""


class Columns:
    """The columns of a stream.

    Args:
        fields: The columns, in the order of the schema; `code` gives two at once.
    """

    def __init__(self, *fields: Field | Sequence[Field]) -> None:
        self.fields: list[Field] = []
        for field in fields:
            self.fields += [field] if isinstance(field, Field) else field
        self.fields.append(EXTRA)


def json_schema(fields: Iterable[Field]) -> dict[str, Any]:
    """Return the JSON Schema of records with these columns."""
    return th.PropertiesList(*(field.column for field in fields)).to_dict()


class RowKey:
    """Tells the rows of a list apart.

    Args:
        fields: The columns that do, some of them perhaps derived from others.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self._names = ", ".join(field.name for field in fields)
        self._parts = [(f.source or f.name, f.convert if f.source else None) for f in fields]

    def __call__(self, row: Row) -> Key:
        """Return the key of a row.

        Raises:
            UnexpectedAnswer: The row lacks part of it.
        """
        key = tuple(
            convert(row.get(source), {}, source) if convert else row.get(source)
            for source, convert in self._parts
        )
        if None in key:
            raise UnexpectedAnswer(f"a row without its key ({self._names})")
        return key


class Shaper:
    """Makes records of rows.

    Args:
        fields: The columns of the stream.
        mask: Which of them, and of what is nested in them, the catalog selects.
    """

    def __init__(self, fields: Iterable[Field], mask: SelectionMask) -> None:
        fields = list(fields)
        selected = [f for f in fields if mask["properties", f.name]]
        self._blank: dict[str, Any] = {field.name: None for field in selected}
        declared = {field.name for field in fields if field.source is None}
        self._known = declared | NOISE | NEVER_EMITTED
        self._unwanted = self._known - self._blank.keys()
        self._converts = [
            (field.name, field.source or field.name, field.convert)
            for field in selected
            if field.convert is not None
        ]
        self._prune = [
            (field.name, lost)
            for field in selected
            if (lost := _deselected(field, mask, ("properties", field.name)))
        ]
        self._keeps_extras = EXTRA.name in self._blank
        self.surprises: set[str] = set()
        """Names of fields that the API sent and no column declares."""

    def record(self, row: Mapping[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record of one row.

        Args:
            row: What the API sent.
            added: The tap's own columns, as the parent's key.
        """
        record = {**self._blank, **row}
        names = row.keys()
        for name in names & self._unwanted:
            del record[name]
        extras: Extras = {name: record.pop(name) for name in names - self._known}
        for name in extras.keys() & self._blank.keys():
            record[name] = None  # a derived column, which is not the API's to fill
        for name, source, convert in self._converts:
            value = row.get(source)
            if value is not None:
                record[name] = convert(value, extras, name)
        for name, lost in self._prune:
            _drop(record[name], lost)
        for name in added.keys() & self._blank.keys():
            record[name] = added[name]
        if extras:
            self.surprises |= extras.keys()
            if self._keeps_extras:
                record[EXTRA.name] = scrub(extras)
        return record


Lost = dict[str, Any]
"""Deselected properties of a nested object: None to drop one, a nested `Lost` to look inside."""


def _deselected(field: Field, mask: SelectionMask, at: tuple[str, ...]) -> Lost:
    """Return what the catalog deselects inside of a column.

    The Singer catalog can name the properties of nested objects, not those of objects in lists.
    """
    lost: Lost = {}
    for name in field.column.to_dict()[field.name].get("properties", {}):
        inside = (*at, "properties", name)
        if not mask[inside]:
            lost[name] = None
        else:
            deeper = next((f for f in field.inner if f.name == name), None)
            if deeper and (below := _deselected(deeper, mask, inside)):
                lost[name] = below
    return lost


def _drop(value: Any, lost: Lost) -> None:
    if not isinstance(value, dict):
        return
    for name, below in lost.items():
        if below is None:
            value.pop(name, None)
        else:
            _drop(value.get(name), below)
