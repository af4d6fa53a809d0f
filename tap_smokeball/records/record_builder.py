"""Makes a record of a row: every selected column, null where the API left it out, nothing lost.

What is to be done follows from a stream's columns, the catalog's selection and which properties a
row has. It is worked out once for all rows that have the same ones, so that a row costs a few
operations on whole dictionaries, and only columns that need it are touched one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk import typing as th

from tap_smokeball.errors import UnexpectedResponseError
from tap_smokeball.records.columns import (
    HYPERMEDIA_KEYS,
    SIGNED_URL_KEYS,
    Column,
    Extras,
    strip_signed_urls,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk.singerlib import SelectionMask

    from tap_smokeball.api.pagination import Key, Row
    from tap_smokeball.records.columns import Convert

EXTRA = Column(
    th.Property(
        "extraFields",
        th.ObjectType(additional_properties=True),
        description="API fields without a column of their own, keyed by path in the record",
    ),
)
"""The column that keeps what the vendor adds before the tap knows it."""


class Columns:
    """The columns of a stream.

    Args:
        fields: The columns, in the order of the schema; `code` gives two at once.
    """

    def __init__(self, *fields: Column | Sequence[Column]) -> None:
        self.fields: list[Column] = []
        for field in fields:
            self.fields += [field] if isinstance(field, Column) else field
        self.fields.append(EXTRA)


def json_schema(fields: Iterable[Column]) -> dict[str, Any]:
    """Return the JSON Schema of records with these columns."""
    return th.PropertiesList(*(field.column for field in fields)).to_dict()


class RowKey:
    """Tells the rows of a list apart.

    Args:
        fields: The columns that do, some of them perhaps derived from others.
    """

    def __init__(self, fields: Sequence[Column]) -> None:
        self._names = ", ".join(field.name for field in fields)
        self._parts = [(f.source or f.name, f.convert if f.source else None) for f in fields]
        alone = len(fields) == 1 and not fields[0].source
        self._only = fields[0].name if alone else ""

    def __call__(self, rows: Iterable[Row]) -> dict[Key, Row]:
        """Return rows by their keys.

        Raises:
            UnexpectedResponseError: A row lacks part of it.
        """
        if self._only:
            keyed: dict[Key, Row] = {row.get(self._only): row for row in rows}
            if None in keyed:
                raise self._lacking()
            return keyed
        keyed = {}
        for row in rows:
            key = tuple(
                convert(row.get(source), {}, source) if convert else row.get(source)
                for source, convert in self._parts
            )
            if None in key:
                raise self._lacking()
            keyed[key] = row
        return keyed

    def _lacking(self) -> UnexpectedResponseError:
        return UnexpectedResponseError(f"a row without its key ({self._names})")


class Plan(NamedTuple):
    """What is to be done to rows that have the same properties.

    Attributes:
        dropped: Properties that are no selected column.
        unknown: Properties that no column declares, though one may have their name.
        absent: The columns that the rows do not have, as nulls.
        converts: The conversions, each with its column and the property that it takes.
    """

    dropped: list[str]
    unknown: list[str]
    absent: dict[str, None]
    converts: list[tuple[str, str, Convert]]


MOST_PLANS = 1_000
"""Plans that are kept, so that a stream whose rows are all different takes no more memory."""


class RecordBuilder:
    """Makes records of rows.

    Args:
        fields: The columns of the stream.
        mask: Which of them, and of what is nested in them, the catalog selects.
    """

    def __init__(self, fields: Iterable[Column], mask: SelectionMask) -> None:
        fields = list(fields)
        self._selected = {f.name: f for f in fields if mask["properties", f.name]}
        self._declared = {field.name for field in fields if field.source is None}
        self._prune = [
            (field.name, lost)
            for field in self._selected.values()
            if (lost := _deselected(field, mask, ("properties", field.name)))
        ]
        self._plans: dict[tuple[str, ...], Plan] = {}
        self.surprises: set[str] = set()
        """Names of fields that the API sent and no column declares."""

    def records(self, rows: Iterable[Row], added: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the records of rows.

        Args:
            rows: What the API sent.
            added: The tap's own columns, as the parent's key.
        """
        plans, prune = self._plans, self._prune
        added = {name: value for name, value in added.items() if name in self._selected}
        extras: Extras = {}
        for row in rows:
            plan = plans.get(tuple(row)) or self._plan(row)
            record = {**row, **plan.absent, **added}
            for name in plan.dropped:
                del record[name]
            for name in plan.unknown:
                extras[name] = row[name]
            for name, source, convert in plan.converts:
                value = row[source]
                if value is not None:
                    record[name] = convert(value, extras, name)
            for name, lost in prune:
                _drop(record[name], lost)
            if extras:
                self.surprises |= extras.keys()
                if EXTRA.name in record:
                    record[EXTRA.name] = strip_signed_urls(extras)
                extras = {}
            yield record

    def _plan(self, row: Row) -> Plan:
        unknown = row.keys() - self._declared - HYPERMEDIA_KEYS - SIGNED_URL_KEYS
        kept = (row.keys() - unknown) & self._selected.keys()
        plan = Plan(
            dropped=[name for name in row if name not in self._selected],
            unknown=[name for name in row if name in unknown],
            absent=dict.fromkeys(name for name in self._selected if name not in kept),
            converts=[
                (name, field.source or name, field.convert)
                for name, field in self._selected.items()
                if field.convert is not None and (field.source or name) in row
            ],
        )
        if len(self._plans) >= MOST_PLANS:
            self._plans.clear()
        self._plans[tuple(row)] = plan
        return plan


Lost = dict[str, Any]
"""Deselected properties of a nested object: None to drop one, a nested `Lost` to look inside."""


def _deselected(field: Column, mask: SelectionMask, at: tuple[str, ...]) -> Lost:
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
