"""Updated-since filters, each with the date format that its endpoint takes (docs/smokeball.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class UpdatedSinceFilter:
    """A filter by the time of the last change.

    Attributes:
        parameter: The query parameter.
        format: Formats .NET ticks the way the parameter takes them.
    """

    parameter: str
    format: Callable[[int], str]

    def params(self, since: int) -> dict[str, str]:
        """Return the query parameter for rows that changed at or after some ticks."""
        return {self.parameter: self.format(since)}


UPDATED_SINCE_TICKS = UpdatedSinceFilter("UpdatedSince", str)
UPDATED_SINCE_LOCAL_SECONDS = UpdatedSinceFilter("UpdatedSince", dotnet_ticks.to_zoneless_seconds)
LAST_UPDATED_ISO_SECONDS = UpdatedSinceFilter("LastUpdated", dotnet_ticks.to_iso_seconds)
