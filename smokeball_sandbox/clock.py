"""The sandbox's clock, and conversion between .NET ticks and dates."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta, timezone
from email.utils import formatdate
from functools import lru_cache

TICKS_PER_SECOND = 10_000_000
TICKS_PER_DAY = 86_400 * TICKS_PER_SECOND
EPOCH_TICKS = 621_355_968_000_000_000
MAX_TICKS = 3_155_378_975_999_999_999
UNSET_DATE = "0001-01-01T00:00:00"

_FIRST_DAY = datetime(1, 1, 1, tzinfo=timezone.utc)


class Clock:
    """The sandbox's time: the machine's clock plus an offset."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0
        self._header = (-1, b"")

    def now(self) -> float:
        """Return seconds since 1970."""
        return time.time() + self.offset_seconds

    def ticks(self) -> int:
        """Return the current time in .NET ticks."""
        offset = round(self.offset_seconds * TICKS_PER_SECOND)
        return EPOCH_TICKS + time.time_ns() // 100 + offset

    def http_date(self, lead_seconds: float = 0) -> bytes:
        """Return the current time, or one that is wrong by a lead, as a ``Date`` header."""
        second = int(self.now() + lead_seconds)
        if self._header[0] != second:
            self._header = (second, formatdate(second, usegmt=True).encode())
        return self._header[1]


def to_ticks(value: datetime | date) -> int:
    """Convert a datetime to ticks; a plain date counts as midnight UTC."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    return (value - _FIRST_DAY) // timedelta(microseconds=1) * 10


def iso(ticks: int, *, fraction: bool = False) -> str:
    """Format ticks as a UTC date-time, in whole seconds or with .NET's seven digits."""
    minutes, seconds = divmod(ticks // TICKS_PER_SECOND, 60)
    text = f"{iso_date(ticks)}T{minutes // 60 % 24:02d}:{minutes % 60:02d}:{seconds:02d}"
    return f"{text}.{ticks % TICKS_PER_SECOND:07d}Z" if fraction else text + "Z"


def iso_date(ticks: int) -> str:
    """Format the UTC day of a tick count."""
    return _format_day(ticks // TICKS_PER_DAY)


@lru_cache(maxsize=10_000)
def _format_day(days: int) -> str:
    return date.fromordinal(days + 1).isoformat()
