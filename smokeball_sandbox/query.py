"""The query string: case-insensitive names, checked values, collected complaints."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from smokeball_sandbox.clock import MAX_TICKS, ticks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_OFFSET = 2_147_483_647
MAX_LIMIT = 500

_WHOLE_SECONDS = re.compile(
    r"(?P<local>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?P<zone>Z|[+-]\d\d:\d\d)?", re.ASCII
)


class Query:
    """The parameters of one request.

    Values that will not do are not raised but noted, so that one answer names them all.

    Attributes:
        errors: What is wrong, as the problem document will list it.
        pairs: The parameters as they were sent.
        timely: Whether the answer depends on when it is given.
    """

    def __init__(self, query_string: bytes, now: int = 0) -> None:
        self._now = now
        self.timely = False
        self.pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
        self.errors: list[dict[str, str]] = []
        self._values: dict[str, list[str]] = {}
        for name, value in self.pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def refuse(self, name: str, message: str) -> None:
        """Note a complaint about a parameter."""
        self.errors.append({"name": name, "message": message})

    def all(self, name: str) -> list[str]:
        """Every value of a parameter that may be repeated."""
        return self._values.get(name.lower(), [])

    def first(self, name: str) -> str | None:
        """The value of a parameter; one sent empty counts as not sent."""
        values = self.all(name)
        return values[0] or None if values else None

    def integer(self, name: str, lowest: int, highest: int, default: int) -> int:
        """A whole number within bounds."""
        text = self.first(name)
        if text is None:
            return default
        number = int(text) if re.fullmatch(r"-?\d{1,19}", text, re.ASCII) else None
        if number is None or not lowest <= number <= highest:
            self.refuse(name, f"Expected an integer from {lowest} to {highest}.")
            return default
        return number

    def flag(self, name: str) -> bool | None:
        """True, false, or not said."""
        text = self.first(name)
        if text is None:
            return None
        if text.lower() not in {"true", "false"}:
            self.refuse(name, "Expected true or false.")
            return None
        return text.lower() == "true"

    def listed(self, name: str, allowed: Sequence[str]) -> list[str]:
        """The members of a comma-joined value, each one of those allowed."""
        members = [member.strip() for member in (self.first(name) or "").split(",") if member]
        for member in members:
            if member not in allowed:
                self.refuse(name, f"'{member}' is not one of: {', '.join(allowed)}.")
        return members

    def now(self) -> int:
        """The ticks of the moment at which the request came in."""
        self.timely = True
        return self._now

    def sort(self, allowed: Sequence[str]) -> list[tuple[str, bool]]:
        """The fields to sort by, each with whether it goes down."""
        order = []
        for term in (self.first("Sort") or "").split(","):
            match = re.fullmatch(r"\s*(asc|desc)\((\w+)\)\s*", term)
            if match and match[2] in allowed:
                order.append((match[2], match[1] == "desc"))
            elif term:
                self.refuse("Sort", f"'{term}' cannot be sorted by.")
        return order

    def moment(self, name: str, dialect: str) -> int | None:
        """The ticks of a date filter written in a dialect."""
        text = self.first(name)
        if text is None:
            return None
        ticks = DIALECTS[dialect](text)
        if ticks is None:
            self.refuse(name, f"'{text}' is not a valid value.")
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
        return ticks_of(datetime.fromisoformat(match["local"] + zone).astimezone(timezone.utc))
    except (ValueError, OverflowError):
        return None


def _from_local(text: str) -> int | None:
    match = _WHOLE_SECONDS.fullmatch(text)
    return _from_ticks(text) if match is None else None if match["zone"] else _from_iso(text)


def _from_wall_clock(text: str) -> int | None:
    return None if text.isdecimal() else _from_local(text)


DIALECTS: dict[str, Callable[[str], int | None]] = {
    "ticks": _from_ticks,
    "iso": _from_iso,
    "iso-no-zone": _from_local,
    "wall-clock": _from_wall_clock,
}
