""".NET ticks of the tenant's clock, and the forms in which requests and responses carry them."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

SECOND = 10_000_000
DAY = 86_400 * SECOND
_EPOCH = datetime(1, 1, 1, tzinfo=timezone.utc)
_UNIX_EPOCH_TICKS = 621_355_968_000_000_000
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(Z?)")


class FilterError(ValueError):
    """A filter has a form that its endpoint does not take."""


def now() -> int:
    """Return the clock of this machine."""
    return _UNIX_EPOCH_TICKS + time.time_ns() // 100


def as_datetime(ticks: int) -> datetime:
    """Return the instant, exact to its microsecond."""
    return _EPOCH + timedelta(microseconds=ticks // 10)


def to_iso(ticks: int, digits: int) -> str:
    """Return the instant in UTC with 0, 3 or 7 fractional digits."""
    fraction = f".{ticks % SECOND:07d}"[: digits + 1] if digits else ""
    return f"{as_datetime(ticks):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def to_http_date(ticks: int) -> str:
    """Return the value of a ``Date`` header, which counts whole seconds."""
    return format_datetime(as_datetime(ticks).replace(microsecond=0), usegmt=True)


def parse_filter(text: str, dialect: str) -> int:
    """Return the ticks that a filter names.

    Args:
        text: Value of the parameter.
        dialect: ``ticks``; ``iso``: UTC in whole seconds; ``local``: the same without a zone, or
            ticks.

    Raises:
        FilterError: The endpoint does not take this form.
    """
    if text.isascii() and text.isdigit() and dialect in {"ticks", "local"}:
        return int(text)
    match = _ISO.fullmatch(text)
    if match is None or dialect == "ticks" or bool(match[7]) != (dialect == "iso"):
        raise FilterError(text)
    moment = datetime(*(int(part) for part in match.groups()[:6]), tzinfo=timezone.utc)  # type: ignore[arg-type,misc]
    return (moment - _EPOCH) // timedelta(microseconds=1) * 10
