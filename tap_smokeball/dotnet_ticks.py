""".NET ticks and UTC: the form of Smokeball's timestamps.

One tick is 100 ns since 0001-01-01T00:00:00Z in the proleptic Gregorian calendar, which is also
Python's. Ticks need 60 bits, a float keeps 53: everything here is whole numbers.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from time import time_ns

PER_SECOND = 10_000_000
"""Ticks in a second."""

PER_DAY = 86_400 * PER_SECOND
"""Ticks in a day."""

MAX = 3_155_378_975_999_999_999
"""The last tick of 9999-12-31, the end of .NET's and of Python's calendar."""

_MAX_DIGITS = len(str(MAX))
_UNIX_EPOCH = 719_162 * PER_DAY
_EPOCH = datetime(1, 1, 1)  # noqa: DTZ001 - ticks count from a zone-less UTC, as arithmetic wants it
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)


def from_datetime(time: datetime) -> int:
    """Return the ticks of an aware date-time, exact to its microsecond.

    Raises:
        ValueError: The date-time has no zone, so its instant is unknown.
    """
    if time.tzinfo is None:
        raise ValueError("a date-time without a time zone is no instant")
    utc = time.astimezone(timezone.utc)
    minutes = ((utc.toordinal() - 1) * 24 + utc.hour) * 60 + utc.minute
    return (minutes * 60 + utc.second) * PER_SECOND + utc.microsecond * 10


def from_rfc3339(text: str) -> int:
    """Return the ticks of an RFC 3339 date-time, exact to 100 ns.

    Raises:
        ValueError: The text is not an RFC 3339 date-time with a zone, or lies outside of the
            years 1 to 9999.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 date-time with a zone")
    day, clock, fraction, zone = match.groups()
    offset = "+00:00" if zone in {"Z", "z"} else zone
    try:
        whole = from_datetime(datetime.fromisoformat(f"{day}T{clock}{offset}"))
    except OverflowError:
        raise ValueError("an instant outside of the years 1 to 9999") from None
    return whole + int((fraction or "").ljust(7, "0")[:7])


@lru_cache(maxsize=16)
def from_http_date(text: str) -> int:
    """Return the ticks of an HTTP ``Date`` header, which counts whole seconds.

    Raises:
        ValueError: The text is not an HTTP date.
    """
    parsed = parsedate_to_datetime(text)
    return from_datetime(parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc))


def parse(value: object) -> int | None:
    """Return ticks from a number or a string of digits, else None.

    Smokeball's ``versionId`` is ticks in a string for matters, but a GUID for fees and others.
    """
    if isinstance(value, str) and len(value) <= _MAX_DIGITS and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX:
        return value
    return None


def from_timestamp(value: object) -> int | None:
    """Return the ticks of the timestamp of a row or a bookmark, else None.

    A timestamp is ticks or a date-time. Without a time zone it is UTC, as in the updated-since
    filters.
    """
    ticks = parse(value)
    if ticks is None and isinstance(value, str):
        for text in (value, f"{value}Z"):
            try:
                return from_rfc3339(text)
            except ValueError:
                pass
    return ticks


def to_rfc3339(ticks: int) -> str:
    """Return the UTC instant with all seven fractional digits, as in ``….2027400Z``.

    Raises:
        ValueError: The ticks lie outside of the years 1 to 9999.
    """
    seconds, rest = _split(ticks)
    return f"{seconds.isoformat()}.{rest:07d}Z"


def to_iso_seconds(ticks: int) -> str:
    """Return the UTC instant cut to whole seconds, as Smokeball's ISO filters want it.

    A fraction in a date filter was answered with 400 (docs/smokeball.md).

    Raises:
        ValueError: The ticks lie outside of the years 1 to 9999.
    """
    return f"{_split(ticks)[0].isoformat()}Z"


def to_zoneless_seconds(ticks: int) -> str:
    """Return `to_iso_seconds` without its zone, which the events' filter does not take.

    Raises:
        ValueError: The ticks lie outside of the years 1 to 9999.
    """
    return _split(ticks)[0].isoformat()


def to_column(ticks: int) -> str:
    """Return the UTC instant with six fractional digits, the most that loaders keep.

    Raises:
        ValueError: The ticks lie outside of the years 1 to 9999.
    """
    seconds, rest = _split(ticks)
    return f"{seconds.isoformat()}.{rest // 10:06d}Z"


def now() -> int:
    """Return this machine's clock, in ticks."""
    return _UNIX_EPOCH + time_ns() // 100


def _split(ticks: int) -> tuple[datetime, int]:
    _check(ticks)
    seconds, rest = divmod(ticks, PER_SECOND)
    return _EPOCH + timedelta(seconds=seconds), rest


def _check(ticks: int) -> None:
    if not 0 <= ticks <= MAX:
        raise ValueError("ticks outside of the years 1 to 9999")
