"""The types that the rows of a stream turn out to have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_smokeball.records.converters import UnusualValueError
from tap_smokeball.records.row_types import RowType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_smokeball.api.client import DecodeUsual
    from tap_smokeball.api.typed_rows import TypedRow
    from tap_smokeball.records.columns import Column

ROWS_BEFORE_TYPE = 200
"""Rows after which a stream gets a type: to make one takes as long as to build 100 records."""

MAX_UNUSUAL_ROWS = 5_000
"""Rows that may be of no type before a stream does without, if they are more than the others."""

MAX_TYPES = 8
MAX_OTHER_PROPERTIES = 100
"""Bounds for a stream whose names of properties are data."""


class LearnedTypes:
    """Makes a type for the rows of a stream once it knows which properties they have.

    Args:
        columns: The columns of the stream.
        selected: Names of those that the catalog selects.
        needed: Names of properties that are read of rows before they become records.

    Attributes:
        decode: Decodes a page of usual rows; None as long as no type is known.
    """

    def __init__(
        self, columns: Iterable[Column], selected: Iterable[str], needed: Iterable[str]
    ) -> None:
        self._columns = list(columns)
        self._selected = set(selected)
        sources = {c.source for c in self._columns if c.source and c.name in self._selected}
        declared = {column.name for column in self._columns if column.source is None}
        self._fields = self._selected | ((sources | set(needed)) & declared)
        self._is_unknown: dict[str, bool] = {}
        self._is_outdated = True
        self._rows_from_dicts = self._typed_rows = 0
        self._types: dict[type, RowType] = {}
        self.decode: DecodeUsual | None = None

    def learn(self, names: Iterable[str], unknown: Iterable[str]) -> None:
        """Remember which properties rows have.

        Args:
            names: Names of the properties.
            unknown: Those of them that no column declares.
        """
        new = set(names) - self._fields - self._is_unknown.keys()
        if new and len(new) + len(self._is_unknown) <= MAX_OTHER_PROPERTIES:
            self._is_unknown |= {name: name in unknown for name in sorted(new)}
            self._is_outdated = True

    def count(self, rows: int) -> None:
        """Count rows that were built from dicts, and make a type if it is time."""
        self._rows_from_dicts += rows
        if self._is_outdated and self._rows_from_dicts >= ROWS_BEFORE_TYPE:
            self._rows_from_dicts = self._typed_rows = 0
            self._make_type()
        elif self._rows_from_dicts > max(MAX_UNUSUAL_ROWS, self._typed_rows):
            self.decode = None

    def type_of(self, rows: Sequence[TypedRow]) -> RowType:
        """Return the type of rows that `decode` returned, and count them."""
        self._typed_rows += len(rows)
        return self._types[type(rows[0])]

    def _make_type(self) -> None:
        self._is_outdated = False
        others = self._is_unknown
        try:
            new = RowType(
                self._columns,
                self._selected,
                self._fields,
                hidden=[name for name in others if not others[name]],
                unknown=[name for name in others if others[name]],
            )
        except UnusualValueError:
            return
        if len(self._types) < MAX_TYPES:
            self._types[new.struct] = new
            self.decode = new.decode
