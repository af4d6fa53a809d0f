"""What matters are sorted by: matter types and referral types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import marked, nothing, stamp_version
from smokeball_sandbox.clock import TICKS_A_DAY
from smokeball_sandbox.firm import MatterType
from smokeball_sandbox.resources import Data, Request, Resource, Row, Wrapper
from smokeball_sandbox.value_helpers import guid, head

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query

_LEAD_TYPE = 1


def type_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Every kind of matter and lead in every state, also those the firm has none of."""
    rng = firm.rng("more matter types")
    rows = [_type(firm, rng, kind, 0) for kind in firm.matter_types]
    for location in sample_text.LOCATIONS[firm.region]:
        for category, name in sample_text.MORE_MATTER_TYPES:
            kind = MatterType(f"{guid(rng)}_{location}", category, name, location)
            rows.append(_type(firm, rng, kind, 0))
        for category, name in sample_text.LEAD_TYPES:
            kind = MatterType(f"{guid(rng)}_{location}", category, name, location)
            rows.append(_type(firm, rng, kind, _LEAD_TYPE))
    return rows


def create_type(firm: Firm, rng: Random, request: Request) -> Row:
    """One more kind of matter."""
    location = sample_text.LOCATIONS[firm.region][0]
    kind = MatterType(f"{guid(rng)}_{location}", "Business", "New kind of matter", location)
    row = _type(firm, rng, kind, 0)
    row.updated = request.now
    return row


def _type(firm: Firm, rng: Random, kind: MatterType, type_: int) -> Row:
    sides = sample_text.SIDES.get(kind.category, ("Client", "Other Side"))
    data = {
        **head(kind.id, f"{firm.url}/mattertypes/{kind.id.lower()}", "MatterTypes"),
        "versionId": guid(rng),
        "name": kind.name,
        "category": kind.category,
        "type": type_,
        "location": kind.location,
        "isDeleted": False,
        "items": [_item(firm, rng, kind, name) for name in (*sides, "Judge")],
    }
    if type_ != _LEAD_TYPE:
        data["representativeOptions"] = list(sides)
    return Row(data, firm.anchor_ticks - TICKS_A_DAY)


def _item(firm: Firm, rng: Random, kind: MatterType, name: str) -> Data:
    id_ = guid(rng)
    href = f"{firm.url}/mattertypes/{kind.id.lower()}/items/{id_}"
    item = {**head(name, href, "Items"), "providerId": "roles_provider"}
    attorney = {"id": "Attorney", "itemId": guid(rng), "name": "Attorney"}
    return item | {"itemId": id_, "name": name, "subItems": [attorney]}


def _by(name: str, *, partly: bool = False) -> Callable[[Query], Callable[[Row], bool] | None]:
    def build(query: Query) -> Callable[[Row], bool] | None:
        wanted = (query.first(name) or "").lower()
        if not wanted:
            return None

        def test(row: Row) -> bool:
            value = row.data[name.lower()].lower()
            return wanted in value if partly else wanted == value

        return test

    return build


def _by_type(query: Query) -> Callable[[Row], bool] | None:
    if query.first("Type") is None:
        return None
    wanted = query.integer("Type", 0, _LEAD_TYPE, 0)
    return lambda row: row.data["type"] == wanted


def referral_rows(firm: Firm, _: Row | None) -> list[Row]:
    """How clients came to the firm; one way is no longer in use."""
    rng = firm.rng("referral types")
    rows = [_referral(firm, rng, name) for name in (*sample_text.REFERRAL_TYPES, "Yellow pages")]
    rows[-1].data["isDeleted"] = True
    return rows


def create_referral(firm: Firm, rng: Random, request: Request) -> Row:
    """One more way to come to the firm."""
    row = _referral(firm, rng, "New referral type")
    row.updated = request.now
    return row


def _referral(firm: Firm, rng: Random, name: str) -> Row:
    id_ = guid(rng)
    data = head(id_, f"{firm.url}/referraltypes/{id_}", "ReferralTypes")
    return Row(data | {"name": name, "isDeleted": False}, firm.anchor_ticks - TICKS_A_DAY)


MATTER_TYPES = Resource(
    name="matter_types",
    path="/mattertypes",
    scope="mattertypes/read",
    generate=type_rows,
    create=create_type,
    stamp=stamp_version,
    bury=marked("isDeleted"),
    detail=("items",),
    filters=(_by("Name", partly=True), _by("Location"), _by("Category"), _by_type),
    hides_deleted=True,
)
REFERRAL_TYPES = Resource(
    name="referral_types",
    path="/referraltypes",
    scope="referraltypes/read",
    generate=referral_rows,
    create=create_referral,
    stamp=nothing,
    bury=marked("isDeleted"),
    wrapper=Wrapper.VALUE,
)
