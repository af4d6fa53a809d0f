"""Matter types and referral types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import leave_unmarked, property_setter, renew_version
from smokeball_sandbox.clock import TICKS_PER_DAY
from smokeball_sandbox.firm import MatterType
from smokeball_sandbox.resources import CreateRequest, Data, Resource, ResponseFormat, Row
from smokeball_sandbox.value_helpers import guid, record_header

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query

_LEAD_TYPE = 1


def type_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Generate all types of matters and leads in every state, used or not."""
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


def create_type(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a matter type."""
    location = sample_text.LOCATIONS[firm.region][0]
    kind = MatterType(f"{guid(rng)}_{location}", "Business", "New kind of matter", location)
    row = _type(firm, rng, kind, 0)
    row.updated = request.now
    return row


def _type(firm: Firm, rng: Random, kind: MatterType, type_: int) -> Row:
    sides = sample_text.SIDES.get(kind.category, ("Client", "Other Side"))
    data = {
        **record_header(kind.id, f"{firm.url}/mattertypes/{kind.id.lower()}", "MatterTypes"),
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
    return Row(data, firm.anchor_ticks - TICKS_PER_DAY)


def _item(firm: Firm, rng: Random, kind: MatterType, name: str) -> Data:
    id_ = guid(rng)
    href = f"{firm.url}/mattertypes/{kind.id.lower()}/items/{id_}"
    item = {**record_header(name, href, "Items"), "providerId": "roles_provider"}
    attorney = {"id": "Attorney", "itemId": guid(rng), "name": "Attorney"}
    return item | {"itemId": id_, "name": name, "subItems": [attorney]}


def _filter_by(
    name: str, *, partly: bool = False
) -> Callable[[Query], Callable[[Row], bool] | None]:
    def build(query: Query) -> Callable[[Row], bool] | None:
        wanted = (query.value(name) or "").lower()
        if not wanted:
            return None

        def test(row: Row) -> bool:
            value = row.data[name.lower()].lower()
            return wanted in value if partly else wanted == value

        return test

    return build


def _filter_by_type(query: Query) -> Callable[[Row], bool] | None:
    if query.value("Type") is None:
        return None
    wanted = query.integer("Type", 0, _LEAD_TYPE, 0)
    return lambda row: row.data["type"] == wanted


def referral_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Generate the referral types, one of them deleted."""
    rng = firm.rng("referral types")
    rows = [_referral(firm, rng, name) for name in (*sample_text.REFERRAL_TYPES, "Yellow pages")]
    rows[-1].data["isDeleted"] = True
    return rows


def create_referral(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a referral type."""
    row = _referral(firm, rng, "New referral type")
    row.updated = request.now
    return row


def _referral(firm: Firm, rng: Random, name: str) -> Row:
    id_ = guid(rng)
    data = record_header(id_, f"{firm.url}/referraltypes/{id_}", "ReferralTypes")
    return Row(data | {"name": name, "isDeleted": False}, firm.anchor_ticks - TICKS_PER_DAY)


MATTER_TYPES = Resource(
    name="matter_types",
    path="/mattertypes",
    scope="mattertypes/read",
    generate=type_rows,
    create=create_type,
    mark_updated=renew_version,
    mark_deleted=property_setter("isDeleted"),
    by_id_only_fields=("items",),
    filters=(
        _filter_by("Name", partly=True),
        _filter_by("Location"),
        _filter_by("Category"),
        _filter_by_type,
    ),
    should_hide_deleted=True,
)
REFERRAL_TYPES = Resource(
    name="referral_types",
    path="/referraltypes",
    scope="referraltypes/read",
    generate=referral_rows,
    create=create_referral,
    mark_updated=leave_unmarked,
    mark_deleted=property_setter("isDeleted"),
    response_format=ResponseFormat.VALUE,
)
