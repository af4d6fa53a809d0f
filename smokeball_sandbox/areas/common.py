"""What the resources of several areas have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smokeball_sandbox.clock import TICKS_A_DAY, iso
from smokeball_sandbox.value_helpers import guid, link

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smokeball_sandbox.areas.matters import MatterPlan
    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query
    from smokeball_sandbox.resources import Data, Request, Row


def nothing(_: Row, __: Random) -> None:
    """Stamp for records in which a change leaves no mark."""


def stamp_version(row: Row, rng: Random) -> None:
    """A new version is a new GUID, and nothing in the record tells when it came to be."""
    row.data["versionId"] = guid(rng)


def stamp_ticks(row: Row, _: Random) -> None:
    """The last change, in ticks."""
    row.data["lastUpdated"] = row.updated


def stamp_ticks_and_version(row: Row, rng: Random) -> None:
    """The last change, in ticks, and a new version."""
    row.data["lastUpdated"] = row.updated
    row.data["versionId"] = guid(rng)


def stamp_iso(row: Row, _: Random) -> None:
    """The last change, as a UTC date-time with all the digits .NET has."""
    row.data["lastUpdated"] = iso(row.updated, fraction=True)


def marked(name: str, value: Any = True) -> Callable[[Data], None]:  # noqa: FBT002
    """Bury a record by setting one property."""

    def bury(data: Data) -> None:
        data[name] = value

    return bury


def matter_link(firm: Firm, rng: Random, id_: str) -> Data:
    """A link to a matter."""
    return link(rng, id_, f"{firm.url}/matters/{id_}", "Matters")


def day_of(rng: Random, plan: MatterPlan) -> int:
    """A moment in the life of a matter."""
    return plan.opened + int(rng.random() * (plan.closed - plan.opened))


def soon_after(firm: Firm, rng: Random, moment: int, days: int = 30) -> int:
    """A moment of change after another, none of them later than the data's day."""
    latest = firm.anchor_ticks - TICKS_A_DAY
    return moment + int(rng.random() * max(0, min(days * TICKS_A_DAY, latest - moment)))


def any_moment(firm: Firm, rng: Random, days: int = 1_500) -> int:
    """A moment within the days before the data's day."""
    return firm.anchor_ticks - TICKS_A_DAY - int(rng.random() * days * TICKS_A_DAY)


def parent_id(request: Request) -> str:
    """The id of the row that a new one is to hang under.

    Raises:
        ValueError: It was created without one.
    """
    if request.parent is None:
        raise ValueError("The row needs a parent.")
    return request.parent.id


def by_matter(query: Query) -> Callable[[Row], bool] | None:
    """Only rows that belong to one matter."""
    wanted = query.first("MatterId")
    if wanted is None:
        return None
    return lambda row: (row.data.get("matter") or {}).get("id") == wanted


def count_of(rng: Random, mean: float) -> int:
    """How many of something there are: often none, sometimes a lot."""
    return round(rng.expovariate(1 / mean)) if mean > 0 else 0
