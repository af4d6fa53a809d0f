"""The column ``extraFields``: what the API sends and no other column holds.

It must not get around the selection: the vendor may rename a deselected property, or add one that
says the same. So unknown fields are left out beside deselected columns, and around them.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk import typing as th

from tap_smokeball.records.columns import Column
from tap_smokeball.records.converters import strip_signed_urls, without_positions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from singer_sdk.singerlib import SelectionMask

    from tap_smokeball.records.columns import Breadcrumb
    from tap_smokeball.records.converters import Extras

EXTRA_FIELDS = Column(
    th.Property(
        "extraFields",
        th.ObjectType(additional_properties=True),
        description="API fields without a column of their own, keyed by path in the record",
    ),
    sensitivity="personal",
)
"""The column that keeps what the vendor adds before the tap knows it."""

KEEP, DROP = "keep", "drop"
"""Values of the setting ``unknown_fields`` that do not depend on the selection."""

MAX_PATHS = 1_000
"""Paths that are remembered: keys that are data must not take more and more memory."""

TOO_MANY = "(others)"
"""Stands for all names of fields after `MAX_PATHS` of them."""


class ExtraFields:
    """Decides what ``extraFields`` may hold, and counts it.

    A value of an unexpected type may stay if its column is selected, with all that is nested in it.
    An unknown field may stay if its top-level column is; at the top level, if all columns are.
    Columns that are off for their cost hide nothing.

    Args:
        columns: The columns of the stream.
        mask: The catalog's selection.
        unknown_fields: The setting of this name.

    Attributes:
        kept: Number of values that are emitted, by field.
        dropped: Number of values that are left out, by field.
    """

    def __init__(self, columns: Iterable[Column], mask: SelectionMask, unknown_fields: str) -> None:
        found = list(_properties(columns, mask))
        self._policy = unknown_fields if mask["properties", EXTRA_FIELDS.name] else DROP
        self._selected = {each.path: each.is_selected for each in found}
        self._lists = {each.path for each in found if each.is_list}
        off = [each for each in found if not each.is_selected]
        partial = {outer for each in off for outer in _outer_paths(each.path)}
        whole = {each.path for each in found if each.is_selected} - partial
        self._whole = {each.path for each in found if {each.path, each.source} <= whole}
        self._masked = {_top(each.path) for each in off if not each.is_off_for_cost}
        self._decisions: dict[tuple[str, bool], bool] = {}
        self.kept: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._named: set[str] = set()

    def select(self, extras: Extras, top_level: Collection[str]) -> dict[str, Any] | None:
        """Return the extras that a record may hold, without signed URLs, or None.

        Args:
            extras: The extras of a row.
            top_level: Names of those that are unknown fields of the row itself.
        """
        kept: dict[str, Any] = {}
        for path, value in extras.items():
            is_rejected = path in extras.rejected
            declared = path.rstrip("~") if is_rejected else path
            is_kept = self._may_keep(declared, is_top_level=path in top_level)
            if is_kept:
                kept[path] = value
            if not is_rejected:
                _count(self.kept if is_kept else self.dropped, without_positions(path))
        return strip_signed_urls(kept) if kept else None

    @property
    def counts(self) -> tuple[Counter[str], Counter[str]]:
        """The numbers of values that were kept, and of those that were left out, by field."""
        return self.kept, self.dropped

    def log_new_names(self, logger: logging.Logger, stream: str) -> None:
        """Log the names of the fields that are new since the last call."""
        kept, dropped = self.kept.keys() - self._named, self.dropped.keys() - self._named
        self._named |= kept | dropped
        if kept:
            logger.info(
                "%s: the API sends fields that this version does not know; extraFields keeps "
                "them: %s",
                stream,
                ", ".join(sorted(kept)),
            )
        if dropped:
            is_chosen = self._policy in {KEEP, DROP}
            logger.log(
                logging.INFO if is_chosen else logging.WARNING,
                "%s: the API sends fields that this version does not know; they are left out, "
                "%s: %s",
                stream,
                "as the settings or the catalog say"
                if is_chosen
                else "as columns beside them are deselected. To emit them, set unknown_fields to "
                "keep",
                ", ".join(sorted(dropped)),
            )

    def _may_keep(self, path: str, *, is_top_level: bool) -> bool:
        key = path, is_top_level
        if key not in self._decisions:
            if len(self._decisions) >= MAX_PATHS:
                self._decisions.clear()
            self._decisions[key] = self._decide(path, is_top_level=is_top_level)
        return self._decisions[key]

    def _decide(self, path: str, *, is_top_level: bool) -> bool:
        if self._policy == DROP:
            return False
        if is_top_level:
            return self._policy == KEEP or not self._masked
        declared = self._without_positions(path)
        if declared in self._selected:
            return declared in self._whole
        if not all(self._selected.get(outer, True) for outer in _outer_paths(declared)):
            return False
        return self._policy == KEEP or _top(declared) not in self._masked

    def _without_positions(self, path: str) -> str:
        """Return a path without the positions in lists, as its column is declared."""
        declared = ""
        is_position = False  # one part at most: a field can be called "0"
        for part in path.split("."):
            if is_position and part.isdigit():
                is_position = False
            else:
                declared = f"{declared}.{part}" if declared else part
                is_position = declared in self._lists
        return declared


class _Property(NamedTuple):
    """A column, or a property at any depth of one.

    Attributes:
        path: Its path in the record, without positions in lists.
        source: Path of the property that its value is made from.
        is_selected: Whether the catalog selects it, and all that it is nested in.
        is_off_for_cost: Whether it is deselected, and costly.
        is_list: Whether its values are lists.
    """

    path: str
    source: str
    is_selected: bool
    is_off_for_cost: bool
    is_list: bool


def _properties(columns: Iterable[Column], mask: SelectionMask) -> Iterator[_Property]:
    """Yield the columns, and what is nested in them, also in the objects of lists."""

    def walk(
        schema: Mapping[str, Any],
        column: Column | None,
        path: str,
        breadcrumb: Breadcrumb,
        *,
        is_off_for_cost: bool = False,
    ) -> Iterator[_Property]:
        is_selected, items = mask[breadcrumb], schema.get("items")
        is_off_for_cost |= bool(column and column.is_costly and not is_selected)
        own_source = column.source if column else None
        source = ".".join([*path.split(".")[:-1], own_source]) if own_source else path
        yield _Property(path, source, is_selected, is_off_for_cost, items is not None)
        inner_columns = {inner.name: inner for inner in column.inner} if column else {}
        for name, inner in (items or schema).get("properties", {}).items():
            yield from walk(
                inner,
                inner_columns.get(name),
                f"{path}.{name}",
                (*breadcrumb, "properties", name),
                is_off_for_cost=is_off_for_cost,
            )

    for column in columns:
        if column.name != EXTRA_FIELDS.name:
            schema = column.schema.to_dict()[column.name]
            yield from walk(schema, column, column.name, ("properties", column.name))


def _outer_paths(path: str) -> list[str]:
    """Return the paths of the objects that a property is nested in."""
    parts = path.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _top(path: str) -> str:
    return path.partition(".")[0]


def _count(counter: Counter[str], name: str) -> None:
    counter[name if name in counter or len(counter) < MAX_PATHS else TOO_MANY] += 1
