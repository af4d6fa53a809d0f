"""Expiry of refresh tokens, which no response of Smokeball says (docs/smokeball.md)."""

from __future__ import annotations

from datetime import datetime, timezone

from tap_smokeball import dotnet_ticks

LIFETIME_DAYS, OLD_LIFETIME_DAYS = 180, 30
"""Days that a refresh token lives, and that it lived if issued before the change."""

_CHANGED_AT = dotnet_ticks.from_datetime(datetime(2026, 8, 24, tzinfo=timezone.utc))
_WARN_BEFORE_DAYS = 14


def expires_at(issued: int) -> int:
    """Return the ticks at which a refresh token expires that was issued at some ticks."""
    days = LIFETIME_DAYS if issued >= _CHANGED_AT else OLD_LIFETIME_DAYS
    return min(issued + days * dotnet_ticks.PER_DAY, dotnet_ticks.MAX)


def format_date(ticks: int) -> str:
    """Return the UTC day of some ticks, as ``2026-01-31``."""
    return dotnet_ticks.to_iso_seconds(ticks)[:10]


def expiry_warning(issued: int | None, now: int) -> str | None:
    """Return a warning if the refresh token expires soon, or has expired.

    Args:
        issued: When the refresh token in use was issued, in ticks, if that is known.
        now: This machine's clock in ticks.
    """
    if issued is None:
        return None
    end = expires_at(issued)
    days_left = (end - now) // dotnet_ticks.PER_DAY
    if days_left >= _WARN_BEFORE_DAYS:
        return None
    if days_left < 0:
        return (
            f"The refresh token expired on {format_date(end)}. "
            "Sign in again with tap-smokeball-login"
        )
    return (
        f"The refresh token expires on {format_date(end)}, and using it does not prolong it. "
        "Sign in again with tap-smokeball-login before then"
    )
