"""Layouts: the firm's custom fields and their values per matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import (
    leave_unmarked,
    parent_id,
    recent_ticks,
    set_updated_ticks_and_version,
)
from smokeball_sandbox.areas.events import events_of
from smokeball_sandbox.areas.matters import matter_plan
from smokeball_sandbox.clock import iso
from smokeball_sandbox.resources import CreateRequest, Data, Resource, ResponseFormat, Row
from smokeball_sandbox.value_helpers import guid, link, record_header, sparse

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.areas.matters import MatterPlan
    from smokeball_sandbox.firm import Firm

_FIELDS: tuple[Data, ...] = (
    {"name": "CourtName", "type": "Text"},
    {
        "name": "Kind",
        "type": "Combobox",
        "possibleValues": ["Residence", "Commercial", "Factory"],
    },
    {"name": "IsUrgent", "type": "Checkbox"},
    {"name": "HearingDate", "type": "Date"},
    {"name": "Expert", "type": "Role"},
    {"name": "Providers[]/Invoices[]/Amount", "type": "Number"},
)


def design_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Generate all layout designs."""
    rng = firm.rng("layout designs")
    return [_design(firm, rng, name, recent_ticks(firm, rng)) for name in sample_text.LAYOUTS]


def create_design(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a layout design."""
    return _design(firm, rng, "New layout", request.now)


def _design(firm: Firm, rng: Random, name: str, ticks: int) -> Row:
    id_ = guid(rng)
    data = {
        **record_header(id_, f"{firm.url}/layouts/{id_}", "Layouts"),
        "versionId": guid(rng),
        "name": name,
        "lastUpdated": ticks,
        "description": f"Everything about the {name.lower()}",
        "fields": list(_FIELDS),
    }
    return Row(data, ticks)


def item_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the partly filled layouts of a matter."""
    plan = matter_plan(parent)
    if plan is None:
        return []
    rng = firm.rng("layouts", plan.id)
    designs = firm.cached("designs", lambda: design_rows(firm, None))
    first = _item(firm, rng, plan.id, plan.layout, designs[0], plan)
    rows = [first]
    for index in range(rng.choice((0, 0, 1, 2))):
        row = _item(firm, rng, plan.id, guid(rng), rng.choice(designs[1:]), plan)
        row.data |= {"index": index, "parentIndex": 0, "parentId": first.id}
        rows.append(row)
    for row in rows:
        row.updated = plan.opened
    return rows


def create_item(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a layout for a matter."""
    design = rng.choice(firm.cached("designs", lambda: design_rows(firm, None)))
    row = _item(firm, rng, parent_id(request), guid(rng), design, None)
    row.updated = request.now
    return row


def _item(  # noqa: PLR0913, PLR0917
    firm: Firm, rng: Random, matter_id: str, id_: str, design: Row, plan: MatterPlan | None
) -> Row:
    data: Data = {
        **record_header(id_, f"{firm.url}/matters/{matter_id}/layouts/{id_}", "LayoutItems"),
        "name": design.data["name"],
        "itemId": id_,
        "index": 0,
        "layoutDesign": link(rng, design.id, design.data["href"], "Layouts"),
        "values": _values(firm, rng),
    }
    if rng.random() < 0.4:  # noqa: PLR2004
        data["description"] = f"{design.data['name']} as described by the client"
    events = [] if plan is None else events_of(firm, plan)
    if events and rng.random() < 0.5:  # noqa: PLR2004
        data["events"] = [{"id": guid(rng), "appointmentId": events[0].id}]
    return Row(data, 0, matter_id)


def _values(firm: Firm, rng: Random) -> list[Data]:
    amounts = {
        f"Providers[{row}]/Invoices[{column}]/Amount": f"{rng.randrange(10_000) / 100:.2f}"
        for row in range(2)
        for column in range(2)
    }
    filled = {
        "CourtName": "District Court",
        "Kind": rng.choice(("Residence", "Commercial", "Factory")),
        "IsUrgent": rng.choice(("True", "False")),
        "HearingDate": iso(firm.anchor_ticks),
        "TaxNumber": f"{rng.randrange(10**9):09d}",
        **amounts,
    }
    values: list[Data] = []
    for key, value in sparse(rng, filled, 0.5).items():
        values.append({"key": key, "value": value})
        if rng.random() < 0.2:  # noqa: PLR2004
            values[-1]["state"] = rng.choice((True, "overridden"))
    return values


LAYOUT_DESIGNS = Resource(
    name="layout_designs",
    path="/layouts",
    scope="layoutdesigns/read",
    generate=design_rows,
    create=create_design,
    mark_updated=set_updated_ticks_and_version,
    mark_deleted=None,
    by_id_only_fields=("description", "fields"),
)
MATTER_LAYOUTS = Resource(
    name="matter_layouts",
    path="/matters/{matterId}/layouts",
    scope="layouts/read",
    parent="matters",
    generate=item_rows,
    create=create_item,
    mark_updated=leave_unmarked,
    mark_deleted=None,
    response_format=ResponseFormat.VALUE,
    id_parameter="itemId",
)
