"""The column that holds a bookmark, and the form of its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_smokeball import dotnet_ticks

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class BookmarkColumn:
    """The column that holds the bookmark.

    Attributes:
        name: Its name: the stream's replication key.
        schema: Its JSON Schema, which decides the form of the bookmark.
    """

    name: str
    schema: Mapping[str, Any]

    def value_of(self, ticks: int) -> int | str:
        """Return ticks in the form of the column."""
        if self.schema.get("format") == "date-time":
            return dotnet_ticks.to_column(ticks)
        return str(ticks) if "string" in self.schema["type"] else ticks
