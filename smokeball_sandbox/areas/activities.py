"""Activity codes: the kinds of work and expenses that staff can record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import property_setter, recent_ticks
from smokeball_sandbox.resources import CreateRequest, Data, DateFilter, Resource, Row
from smokeball_sandbox.value_helpers import guid, money, record_header

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.firm import Firm

_FIXED, _TIME, _EXPENSE, _SURCHARGE = range(4)


def activity_ids(firm: Firm) -> dict[str, str]:
    """Return the id of each activity by its code."""

    def build() -> dict[str, str]:
        rng = firm.rng("activities")
        codes = [code for code, *_ in (*sample_text.FEE_WORK, *sample_text.EXPENSE_WORK)]
        return {code: guid(rng) for code in dict.fromkeys([*codes, "APP", "SUR", "OLD"])}

    return firm.cached("activities", build)


def generate(firm: Firm, _: Row | None) -> list[Row]:
    """Generate all activities, one of them deleted."""
    rng, ids = firm.rng("activity records"), activity_ids(firm)
    rows = []
    for code, subject, _text in sample_text.FEE_WORK:
        rows.append(_activity(firm, rng, ids[code], code, subject, _TIME))
    for code, subject, price, *_rest in sample_text.EXPENSE_WORK:
        row = _activity(firm, rng, ids[code], code, subject, _EXPENSE)
        row.data |= {"rate": money(price), "rateType": 1}
        rows.append(row)
    rows.append(_activity(firm, rng, ids["APP"], "APP", "Appearance", _FIXED))
    rows.append(_activity(firm, rng, ids["SUR"], "SUR", "Card surcharge", _SURCHARGE))
    rows.append(_activity(firm, rng, ids["OLD"], "OLD", "Telex", _EXPENSE))
    rows[-1].data["isDeleted"] = True
    return list({row.id: row for row in rows}.values())


def create(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create an activity."""
    row = _activity(firm, rng, guid(rng), f"N{rng.randrange(1000)}", "New activity", _TIME)
    row.updated = request.now
    return row


def mark_updated(row: Row, rng: Random) -> None:
    """Renew the version; the API has no updated-at field here."""
    row.data["versionId"] = guid(rng)


def _activity(  # noqa: PLR0913, PLR0917
    firm: Firm, rng: Random, id_: str, code: str, description: str, type_: int
) -> Row:
    data: Data = {
        **record_header(id_, f"{firm.url}/activitycodes/{id_}", "ActivityCodes"),
        "versionId": guid(rng),
        "updatedByUserId": firm.staff[0].user_id,
        "type": type_,
        "description": description,
        "code": code,
        "isBillable": True,
        "rateType": 0,
        "rate": 0,
        "quantity": 0.6 if type_ == _TIME else 1,
        "taxInclusive": False,
        "taxExempt": False,
        "taxZeroRated": False,
        "taxOutOfScope": False,
        "isDeleted": False,
    }
    if type_ in {_FIXED, _SURCHARGE}:
        data |= {"rateType": 1, "rate": money(rng.randrange(5_000, 90_000))}
    elif rng.random() < 0.2:  # noqa: PLR2004
        data["rateType"] = 2
    if firm.region != "us":
        data |= {"inputTaxRate": 10, "outputTaxRate": 12.25}
    return Row(data, recent_ticks(firm, rng))


ACTIVITY_CODES = Resource(
    name="activity_codes",
    path="/activitycodes",
    scope="activitycodes/read",
    generate=generate,
    create=create,
    mark_updated=mark_updated,
    mark_deleted=property_setter("isDeleted"),
    date_filters=(DateFilter("UpdatedSince", "ticks"),),
)
