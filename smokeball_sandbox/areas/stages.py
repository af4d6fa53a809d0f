"""How far matters have come: sets of stages, and the stage each matter is at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import (
    any_moment,
    day_of,
    marked,
    matter_link,
    stamp_ticks_and_version,
)
from smokeball_sandbox.areas.matters import plans
from smokeball_sandbox.resources import Data, DateFilter, Request, Resource, Row
from smokeball_sandbox.value_helpers import guid, head, link

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.firm import Firm

_STAGED = 0.8
_FILTERS = (DateFilter("UpdatedSince", "ticks"), DateFilter("LastUpdated", "iso"))


def set_rows(firm: Firm, _: Row | None) -> list[Row]:
    """A set of stages for most kinds of matters, and one that is no longer in use."""
    rng = firm.rng("stage sets")
    rows = [_set(firm, rng, name, stages, any_moment(firm, rng)) for name, stages in _all()]
    rows[-1].data["isDeleted"] = True
    rows[0].data["stages"][-1]["isDeleted"] = True
    return rows


def _all() -> list[tuple[str, tuple[str, ...]]]:
    return [*sample_text.STAGES.items(), ("Old workflow", ("Open", "Done"))]


def create_set(firm: Firm, rng: Random, request: Request) -> Row:
    """One more set of stages."""
    return _set(firm, rng, "New set", ("First", "Second"), request.now)


def _set(firm: Firm, rng: Random, name: str, stages: tuple[str, ...], moment: int) -> Row:
    id_ = guid(rng)
    href = f"{firm.url}/stagesets/{id_}"
    data = {
        **head(id_, href, "StageSets"),
        "versionId": guid(rng),
        "name": name,
        "isDeleted": False,
        "stages": [_stage(rng, href, each, moment) for each in stages],
        "lastUpdated": moment,
    }
    return Row(data, moment)


def _stage(rng: Random, set_href: str, name: str, moment: int) -> Data:
    id_ = guid(rng)
    return {
        **head(id_, f"{set_href}/stages/{id_}", "Stages"),
        "versionId": guid(rng),
        "name": name,
        "isDeleted": False,
        "lastUpdated": moment,
    }


def stage_rows(firm: Firm, _: Row | None) -> list[Row]:
    """The current stage of every matter that has one."""
    sets = {row.data["name"]: row for row in set_rows(firm, None)}
    rows = []
    for plan in plans(firm):
        workflow = sets.get(plan.kind.category)
        if workflow is None or plan.is_lead:
            continue
        rng = firm.rng("stage", plan.id)
        if rng.random() < _STAGED:
            rows.append(_at(firm, rng, plan.id, workflow, day_of(rng, plan)))
    return rows


def create_stage(firm: Firm, rng: Random, request: Request) -> Row:
    """The stage of a matter that had none; of any matter, if none is named."""
    matter = request.wanted.get("matter", {}).get("id") or rng.choice(plans(firm)).id
    return _at(firm, rng, matter, rng.choice(set_rows(firm, None)), request.now)


def _at(firm: Firm, rng: Random, matter_id: str, workflow: Row, moment: int) -> Row:
    href = f"{firm.url}/matters/{matter_id}/stages"
    data = {
        **head(guid(rng), href, "Stages"),
        "versionId": guid(rng),
        "matter": matter_link(firm, rng, matter_id),
        "stageSet": link(rng, workflow.id, workflow.data["href"], "StageSets"),
        "stage": rng.choice(workflow.data["stages"]),
        "lastUpdated": moment,
    }
    return Row(data, moment)


STAGE_SETS = Resource(
    name="stage_sets",
    path="/stagesets",
    scope="stagesets/read",
    generate=set_rows,
    create=create_set,
    stamp=stamp_ticks_and_version,
    bury=marked("isDeleted"),
    date_filters=_FILTERS,
)
MATTER_STAGES = Resource(
    name="matter_stages",
    path="/stages",
    scope="stages/read",
    generate=stage_rows,
    create=create_stage,
    stamp=stamp_ticks_and_version,
    bury=None,
    by_id=None,
    date_filters=_FILTERS,
)
