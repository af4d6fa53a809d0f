"""The query string: case-insensitive names, checked values, collected errors."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from smokeball_sandbox.clock import MAX_TICKS, to_ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_OFFSET = 2_147_483_647
MAX_LIMIT = 500

_WHOLE_SECONDS = re.compile(
    r"(?P<local>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?P<zone>Z|[+-]\d\d:\d\d)?", re.ASCII
)
_FRACTION = re.compile(
    r"(?P<local>[^.]+)\.(?P<fraction>\d{1,7})(?P<zone>Z|[+-]\d\d:\d\d)?", re.ASCII
)


class Query:
    """The parameters of one request.

    Invalid values are collected, not raised, so that one response lists every error.

    Attributes:
        errors: The errors, as the problem document lists them.
        pairs: The parameters as sent.
        depends_on_time: Whether the response depends on the time of the request.
    """

    def __init__(self, query_string: bytes, now: int = 0) -> None:
        self._now = now
        self.depends_on_time = False
        self.pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
        self.errors: list[dict[str, str]] = []
        self._values: dict[str, list[str]] = {}
        for name, value in self.pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def add_error(self, name: str, message: str) -> None:
        """Record an error of a parameter."""
        self.errors.append({"name": name, "message": message})

    def values(self, name: str) -> list[str]:
        """Return every value of a repeatable parameter."""
        return self._values.get(name.lower(), [])

    def value(self, name: str) -> str | None:
        """Return the value of a parameter; None if missing or empty."""
        values = self.values(name)
        return values[0] or None if values else None

    def integer(self, name: str, lowest: int, highest: int, default: int) -> int:
        """Return an integer within bounds."""
        text = self.value(name)
        if text is None:
            return default
        number = int(text) if re.fullmatch(r"-?\d{1,19}", text, re.ASCII) else None
        if number is None or not lowest <= number <= highest:
            self.add_error(name, f"Expected an integer from {lowest} to {highest}.")
            return default
        return number

    def boolean(self, name: str) -> bool | None:
        """Return True or False; None if missing."""
        text = self.value(name)
        if text is None:
            return None
        if text.lower() not in {"true", "false"}:
            self.add_error(name, "Expected true or false.")
            return None
        return text.lower() == "true"

    def members(self, name: str, allowed: Sequence[str]) -> list[str]:
        """Return the members of a comma-separated value; each must be allowed."""
        members = [member.strip() for member in (self.value(name) or "").split(",") if member]
        for member in members:
            if member not in allowed:
                self.add_error(name, f"'{member}' is not one of: {', '.join(allowed)}.")
        return members

    def now(self) -> int:
        """Return the time of the request, in ticks."""
        self.depends_on_time = True
        return self._now

    def sort(self, allowed: Sequence[str]) -> list[tuple[str, bool]]:
        """Return the fields to sort by, each with whether its order is descending."""
        order = []
        for term in (self.value("Sort") or "").split(","):
            match = re.fullmatch(r"\s*(asc|desc)\((\w+)\)\s*", term)
            if match and match[2] in allowed:
                order.append((match[2], match[1] == "desc"))
            elif term:
                self.add_error("Sort", f"'{term}' cannot be sorted by.")
        return order

    def timestamp(
        self, name: str, date_format: str, *, takes_fractions: bool = False
    ) -> int | None:
        """Return the ticks of a date filter that is written in a date format."""
        text = self.value(name)
        if text is None:
            return None
        match = _FRACTION.fullmatch(text)
        if match and takes_fractions:
            whole = DATE_FORMATS[date_format](match["local"] + (match["zone"] or ""))
            return None if whole is None else whole + int(f"{match['fraction']:0<7}")
        ticks = DATE_FORMATS[date_format](text)
        if ticks is None:
            self.add_error(name, f"'{text}' is not a valid value.")
        return ticks


def _from_ticks(text: str) -> int | None:
    if not re.fullmatch(r"\d{1,19}", text, re.ASCII) or int(text) > MAX_TICKS:
        return None
    return int(text)


def _from_iso(text: str) -> int | None:
    match = _WHOLE_SECONDS.fullmatch(text)
    if match is None:
        return None
    zone = (match["zone"] or "Z").replace("Z", "+00:00")
    try:
        return to_ticks(datetime.fromisoformat(match["local"] + zone).astimezone(timezone.utc))
    except (ValueError, OverflowError):
        return None


def _from_local(text: str) -> int | None:
    match = _WHOLE_SECONDS.fullmatch(text)
    return _from_ticks(text) if match is None else None if match["zone"] else _from_iso(text)


def _from_wall_clock(text: str) -> int | None:
    return None if text.isdecimal() else _from_local(text)


DATE_FORMATS: dict[str, Callable[[str], int | None]] = {
    "ticks": _from_ticks,
    "iso": _from_iso,
    "iso-no-zone": _from_local,
    "wall-clock": _from_wall_clock,
}
