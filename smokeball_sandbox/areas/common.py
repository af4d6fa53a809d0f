"""Functions that resources of several areas share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smokeball_sandbox.clock import TICKS_PER_DAY, iso
from smokeball_sandbox.value_helpers import guid, link

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smokeball_sandbox.areas.matters import MatterPlan
    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query
    from smokeball_sandbox.resources import CreateRequest, Data, Row


def leave_unmarked(_: Row, __: Random) -> None:
    """Write nothing, for records without version and updated-at field."""


def renew_version(row: Row, rng: Random) -> None:
    """Renew the version: a GUID, for records without updated-at field."""
    row.data["versionId"] = guid(rng)


def set_updated_ticks(row: Row, _: Random) -> None:
    """Set the updated-at field, in ticks."""
    row.data["lastUpdated"] = row.updated


def set_updated_ticks_and_version(row: Row, rng: Random) -> None:
    """Set the updated-at field, in ticks, and renew the version."""
    row.data["lastUpdated"] = row.updated
    row.data["versionId"] = guid(rng)


def set_updated_iso(row: Row, _: Random) -> None:
    """Set the updated-at field, as a UTC date-time with seven digits."""
    row.data["lastUpdated"] = iso(row.updated, fraction=True)


def property_setter(name: str, value: Any = True) -> Callable[[Data], None]:  # noqa: FBT002
    """Return a function that sets one property of a record."""

    def set_property(data: Data) -> None:
        data[name] = value

    return set_property


def matter_link(firm: Firm, rng: Random, id_: str) -> Data:
    """Return a link to a matter."""
    return link(rng, id_, f"{firm.url}/matters/{id_}", "Matters")


def ticks_during(rng: Random, plan: MatterPlan) -> int:
    """Return random ticks between the opening and the closing of a matter."""
    return plan.opened + int(rng.random() * (plan.closed - plan.opened))


def ticks_soon_after(firm: Firm, rng: Random, ticks: int, days: int = 30) -> int:
    """Return random ticks soon after others, at most the day before the anchor day."""
    latest = firm.anchor_ticks - TICKS_PER_DAY
    return ticks + int(rng.random() * max(0, min(days * TICKS_PER_DAY, latest - ticks)))


def recent_ticks(firm: Firm, rng: Random, days: int = 1_500) -> int:
    """Return random ticks within some days before the anchor day."""
    return firm.anchor_ticks - TICKS_PER_DAY - int(rng.random() * days * TICKS_PER_DAY)


def parent_id(request: CreateRequest) -> str:
    """Return the parent's id of a row to create.

    Raises:
        ValueError: The request has no parent.
    """
    if request.parent is None:
        raise ValueError("The row has no parent. Pass parent.")
    return request.parent.id


def filter_by_matter(query: Query) -> Callable[[Row], bool] | None:
    """Filter by ``MatterId``."""
    wanted = query.value("MatterId")
    if wanted is None:
        return None
    return lambda row: (row.data.get("matter") or {}).get("id") == wanted


def random_count(rng: Random, mean: float) -> int:
    """Return a random count: often zero, sometimes large."""
    return round(rng.expovariate(1 / mean)) if mean > 0 else 0
