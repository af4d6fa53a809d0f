"""Memos: each text twice, as RTF and plain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import (
    parent_id,
    property_setter,
    random_count,
    set_updated_iso,
    ticks_during,
    ticks_soon_after,
)
from smokeball_sandbox.areas.matters import matter_plan
from smokeball_sandbox.clock import iso
from smokeball_sandbox.resources import CreateRequest, Data, Resource, Row
from smokeball_sandbox.value_helpers import guid, record_header

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.areas.matters import MatterPlan
    from smokeball_sandbox.firm import Firm

_MEAN = 1.5


def generate(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the memos of a matter row."""
    plan = matter_plan(parent)
    return [] if plan is None else memos_of(firm, plan)


def memos_of(firm: Firm, plan: MatterPlan) -> list[Row]:
    """Generate the memos of a matter; those never changed have no updated-at field."""
    rng = firm.rng("memos", plan.id)
    rows = []
    for _ in range(random_count(rng, _MEAN)):
        row = _memo(firm, rng, plan.id, ticks_during(rng, plan), plan.client.full_name)
        if rng.random() < 0.8:  # noqa: PLR2004
            row.updated = ticks_soon_after(firm, rng, row.updated)
            row.data["lastUpdated"] = iso(row.updated, fraction=True)
            row.data["updatedByUserId"] = rng.choice(firm.staff).user_id
        rows.append(row)
    return rows


def create(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a memo."""
    return _memo(firm, rng, parent_id(request), request.now, "the client")


def _memo(firm: Firm, rng: Random, matter_id: str, ticks: int, client: str) -> Row:
    id_ = guid(rng)
    text = f"Spoke with {client}.\r\nAdvised on costs and next steps."
    lines = "\\par ".join("".join(map(_escaped, line)) for line in text.split("\r\n"))
    data: Data = {
        **record_header(id_, f"{firm.url}/matters/{matter_id}/memos/{id_}", "Memos"),
        "matterId": matter_id,
        "title": rng.choice(sample_text.MEMOS),
        "text": f"{{\\rtf1\\ansi\\ansicpg1252\\deff0{{\\fonttbl{{\\f0 Arial;}}}}{lines}\\par}}",
        "plainText": text,
        "createdDate": iso(ticks),
        "createdByUserId": rng.choice(firm.staff).user_id,
        "isDeleted": rng.random() < 0.04,  # noqa: PLR2004
    }
    return Row(data, ticks, matter_id)


def _escaped(character: str) -> str:
    return character if character.isascii() else f"\\u{ord(character)}?"


MEMOS = Resource(
    name="memos",
    path="/matters/{matterId}/memos",
    scope="memos/read",
    parent="matters",
    generate=generate,
    create=create,
    mark_updated=set_updated_iso,
    mark_deleted=property_setter("isDeleted"),
)
