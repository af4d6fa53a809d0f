"""Stage sets, and the current stage of each matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import (
    matter_link,
    property_setter,
    recent_ticks,
    set_updated_ticks_and_version,
    ticks_during,
)
from smokeball_sandbox.areas.matters import matter_plans
from smokeball_sandbox.resources import CreateRequest, Data, DateFilter, Resource, Row
from smokeball_sandbox.value_helpers import guid, link, record_header

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.firm import Firm

_SHARE_WITH_STAGE = 0.95
_FILTERS = (DateFilter("UpdatedSince", "ticks"), DateFilter("LastUpdated", "iso"))


def set_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Generate a stage set for each matter category, and a deleted one."""
    rng = firm.rng("stage sets")
    rows = [_set(firm, rng, name, stages, recent_ticks(firm, rng)) for name, stages in _all()]
    rows[-1].data["isDeleted"] = True
    rows[0].data["stages"][-1]["isDeleted"] = True
    return rows


def _all() -> list[tuple[str, tuple[str, ...]]]:
    return [*sample_text.STAGES.items(), ("Old workflow", ("Open", "Done"))]


def create_set(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a stage set."""
    return _set(firm, rng, "New set", ("First", "Second"), request.now)


def _set(firm: Firm, rng: Random, name: str, stages: tuple[str, ...], ticks: int) -> Row:
    id_ = guid(rng)
    href = f"{firm.url}/stagesets/{id_}"
    data = {
        **record_header(id_, href, "StageSets"),
        "versionId": guid(rng),
        "name": name,
        "isDeleted": False,
        "stages": [_stage(rng, href, each, ticks) for each in stages],
        "lastUpdated": ticks,
    }
    return Row(data, ticks)


def _stage(rng: Random, set_href: str, name: str, ticks: int) -> Data:
    id_ = guid(rng)
    return {
        **record_header(id_, f"{set_href}/stages/{id_}", "Stages"),
        "versionId": guid(rng),
        "name": name,
        "isDeleted": False,
        "lastUpdated": ticks,
    }


def stage_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Generate the current stage of every matter that has one."""
    sets = {row.data["name"]: row for row in set_rows(firm, None)}
    rows = []
    for plan in matter_plans(firm):
        workflow = sets.get(plan.matter_type.category)
        if workflow is None or plan.is_lead:
            continue
        rng = firm.rng("stage", plan.id)
        if rng.random() < _SHARE_WITH_STAGE:
            rows.append(_stage_row(firm, rng, plan.id, workflow, ticks_during(rng, plan)))
    return rows


def create_stage(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create the stage of the given matter, or of a random one."""
    matter = request.properties.get("matter", {}).get("id") or rng.choice(matter_plans(firm)).id
    return _stage_row(firm, rng, matter, rng.choice(set_rows(firm, None)), request.now)


def _stage_row(firm: Firm, rng: Random, matter_id: str, workflow: Row, ticks: int) -> Row:
    href = f"{firm.url}/matters/{matter_id}/stages"
    data = {
        **record_header(guid(rng), href, "Stages"),
        "versionId": guid(rng),
        "matter": matter_link(firm, rng, matter_id),
        "stageSet": link(rng, workflow.id, workflow.data["href"], "StageSets"),
        "stage": rng.choice(workflow.data["stages"]),
        "lastUpdated": ticks,
    }
    return Row(data, ticks)


STAGE_SETS = Resource(
    name="stage_sets",
    path="/stagesets",
    scope="stagesets/read",
    generate=set_rows,
    create=create_set,
    mark_updated=set_updated_ticks_and_version,
    mark_deleted=property_setter("isDeleted"),
    date_filters=_FILTERS,
)
MATTER_STAGES = Resource(
    name="matter_stages",
    path="/stages",
    scope="stages/read",
    generate=stage_rows,
    create=create_stage,
    mark_updated=set_updated_ticks_and_version,
    mark_deleted=None,
    id_parameter=None,
    date_filters=_FILTERS,
)
