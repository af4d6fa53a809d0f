"""Small pieces that every record is made of: ids, links, money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

_FULL_LINKS = 0.85
_DECLARED_LINKS = 0.93


def guid(rng: Random) -> str:
    """A version 4 GUID."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def link(rng: Random, id_: str, href: str, rel: str) -> dict[str, Any]:
    """A link in one of the three forms in which the API writes them."""
    form = rng.random()
    if form < _FULL_LINKS:
        return {"id": id_, "href": href, "rel": rel}
    if form < _DECLARED_LINKS:
        return {"id": id_, "href": href, "relation": rel, "method": "GET"}
    return {"id": id_, "href": href}


def head(id_: str, href: str, rel: str) -> dict[str, Any]:
    """What a record starts with: its id and where it is found."""
    return {"id": id_, "href": href, "rel": rel, "self": {"id": id_, "href": href}}


def sparse(rng: Random, data: dict[str, Any], keep: float) -> dict[str, Any]:
    """A record with only some of its properties: the API leaves out what is empty."""
    return {name: value for name, value in data.items() if rng.random() < keep}


def half_up(numerator: int, denominator: int) -> int:
    """A quotient of whole numbers, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def money(cents: int) -> float:
    """Cents as the JSON number of dollars, without a needless ``.0``."""
    return cents // 100 if cents % 100 == 0 else cents / 100
