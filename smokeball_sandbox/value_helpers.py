"""Values that every record contains: ids, links and amounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

_FULL_LINKS = 0.85
_DECLARED_LINKS = 0.93


def guid(rng: Random) -> str:
    """Return a version 4 GUID."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def link(rng: Random, id_: str, href: str, rel: str) -> dict[str, Any]:
    """Return a link in one of the three forms that the API uses."""
    form = rng.random()
    if form < _FULL_LINKS:
        return {"id": id_, "href": href, "rel": rel}
    if form < _DECLARED_LINKS:
        return {"id": id_, "href": href, "relation": rel, "method": "GET"}
    return {"id": id_, "href": href}


def record_header(id_: str, href: str, rel: str) -> dict[str, Any]:
    """Return the properties that every record starts with: its id and its links."""
    return {"id": id_, "href": href, "rel": rel, "self": {"id": id_, "href": href}}


def sparse(rng: Random, data: dict[str, Any], keep: float) -> dict[str, Any]:
    """Drop properties at random: the API omits empty ones.

    Args:
        rng: Random number generator.
        data: Properties to choose from.
        keep: Share of the properties to keep.
    """
    return {name: value for name, value in data.items() if rng.random() < keep}


def divide_half_up(numerator: int, denominator: int) -> int:
    """Divide two integers and round half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def money(cents: int) -> float:
    """Convert cents to a JSON number of dollars, without a trailing ``.0``."""
    return cents // 100 if cents % 100 == 0 else cents / 100
