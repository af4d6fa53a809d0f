"""When a refresh token ends, which no answer of Smokeball's tells (docs/smokeball.md)."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks

if TYPE_CHECKING:
    from tap_smokeball.config.settings import Settings

DAYS, DAYS_BEFORE = 180, 30
"""Days that a refresh token lives, and that it lived if issued before the change."""

_CHANGED_AT = dotnet_ticks.from_datetime(datetime(2026, 8, 24, tzinfo=timezone.utc))
_WARNED_DAYS = 14


def ends(issued: int) -> int:
    """Return the ticks at which a refresh token issued at these ticks ends."""
    days = DAYS if issued >= _CHANGED_AT else DAYS_BEFORE
    return min(issued + days * dotnet_ticks.PER_DAY, dotnet_ticks.MAX)


def day(moment: int) -> str:
    """Return the UTC day of some ticks, as ``2026-01-31``."""
    return dotnet_ticks.to_iso_seconds(moment)[:10]


def warning(settings: Settings, now: int) -> str | None:
    """Return what is to be said of the refresh token's end, if these ticks are near enough."""
    issued = settings.refresh_token_issued_ticks
    if issued is None or settings.refresh_token is None or settings.access_token is not None:
        return None
    end = ends(issued)
    left = (end - now) // dotnet_ticks.PER_DAY
    if left >= _WARNED_DAYS:
        return None
    again = "sign in again with tap-smokeball-login"
    if left < 0:
        return f"The refresh token should have ended on {day(end)}: {again}"
    return (
        f"The refresh token ends on {day(end)}: until then, {again}. Using it does not prolong it"
    )
