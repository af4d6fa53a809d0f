"""The sandbox's clock, and .NET ticks to and from dates."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta, timezone
from email.utils import formatdate
from functools import lru_cache

TICKS_A_SECOND = 10_000_000
TICKS_A_DAY = 86_400 * TICKS_A_SECOND
EPOCH_TICKS = 621_355_968_000_000_000
MAX_TICKS = 3_155_378_975_999_999_999
UNSET_DATE = "0001-01-01T00:00:00"

_FIRST_DAY = datetime(1, 1, 1, tzinfo=timezone.utc)


class Clock:
    """The time the sandbox believes it is: the machine's, plus an offset."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0
        self._header = (-1, b"")

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.offset_seconds

    def ticks(self) -> int:
        """.NET ticks of this moment."""
        offset = round(self.offset_seconds * TICKS_A_SECOND)
        return EPOCH_TICKS + time.time_ns() // 100 + offset

    def http_date(self) -> bytes:
        """This moment as the ``Date`` header has it, to the second."""
        second = int(self.now())
        if self._header[0] != second:
            self._header = (second, formatdate(second, usegmt=True).encode())
        return self._header[1]


def ticks_of(moment: datetime | date) -> int:
    """Ticks of a moment (of midnight UTC, for a plain date)."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=timezone.utc)
    return (moment - _FIRST_DAY) // timedelta(microseconds=1) * 10


def iso(ticks: int, *, fraction: bool = False) -> str:
    """Ticks as a UTC date-time, to the whole second or with .NET's seven digits."""
    minutes, seconds = divmod(ticks // TICKS_A_SECOND, 60)
    text = f"{iso_date(ticks)}T{minutes // 60 % 24:02d}:{minutes % 60:02d}:{seconds:02d}"
    return f"{text}.{ticks % TICKS_A_SECOND:07d}Z" if fraction else text + "Z"


def iso_date(ticks: int) -> str:
    """The UTC day of some ticks."""
    return _day(ticks // TICKS_A_DAY)


@lru_cache(maxsize=10_000)
def _day(days: int) -> str:
    return date.fromordinal(days + 1).isoformat()
