"""The newest time of change in the rows of one read, from which the next bookmark follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.typed_rows import property_of

if TYPE_CHECKING:
    from tap_smokeball.api.pages import Row


class NewestTimestamp:
    """Finds the next bookmark of a stream.

    Args:
        updated_at_field: The property that holds the last change of a row; None if there is none.
    """

    def __init__(self, updated_at_field: str | None) -> None:
        self._field = updated_at_field
        self._newest: int | None = None

    def add(self, row: Row) -> int | None:
        """Count a row in, and return the ticks of its last change if it has one."""
        found = property_of(row, self._field) if self._field else None
        updated_at = dotnet_ticks.from_timestamp(found)
        if updated_at is not None and (self._newest is None or updated_at > self._newest):
            self._newest = updated_at
        return updated_at

    def bookmark(self, started: int) -> int | None:
        """Return the newest timestamp in ticks, but no later than the start of the read.

        Without an updated-at field it is the start of the read; None if there is a field, but no
        row had it.
        """
        if self._field is None:
            return started
        return None if self._newest is None else min(self._newest, started)
