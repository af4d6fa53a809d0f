"""Tasks, their subtasks and attached documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import (
    filter_by_matter,
    leave_unmarked,
    matter_link,
    parent_id,
    property_setter,
    random_count,
    set_updated_ticks,
    ticks_during,
    ticks_soon_after,
)
from smokeball_sandbox.areas.documents import files_of
from smokeball_sandbox.areas.matters import MatterPlan, matter_plans
from smokeball_sandbox.areas.memos import memos_of
from smokeball_sandbox.clock import TICKS_PER_DAY, iso, iso_date
from smokeball_sandbox.resources import (
    CreateRequest,
    Data,
    DateFilter,
    Resource,
    ResponseFormat,
    Row,
)
from smokeball_sandbox.value_helpers import guid, link, record_header, sparse

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query

_MEAN = 1.5
_SHARE_WITH_SUBTASKS = 0.25
_SHARE_WITH_DOCUMENTS = 0.3
_FILE, _TEMPLATE, _MEMO = range(3)


class TaskPlan(NamedTuple):
    """Seed of a task's child rows."""

    matter: MatterPlan
    subtasks: tuple[str, ...]
    ticks: int


def generate(firm: Firm, _: Row | None) -> list[Row]:
    """Generate the tasks of all matters."""
    rows = []
    for plan in matter_plans(firm):
        rng = firm.rng("tasks", plan.id)
        for _index in range(random_count(rng, _MEAN)):
            rows.append(_task_of(firm, rng, plan))  # noqa: PERF401
    return rows


def _task_of(firm: Firm, rng: Random, plan: MatterPlan) -> Row:
    row = _task(firm, rng, plan.id, ticks_during(rng, plan))
    ticks = row.updated
    row.updated = row.data["lastUpdated"] = ticks_soon_after(firm, rng, ticks)
    count = rng.randrange(1, 4) if rng.random() < _SHARE_WITH_SUBTASKS else 0
    ids = tuple(guid(rng) for _ in range(count))
    if ids:
        row.data["subTasks"] = [_subtask_link(firm, rng, row.id, id_) for id_ in ids]
    row.plan = TaskPlan(plan, ids, ticks)
    return row


def create(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a task of the given matter, or of a random one."""
    matter = request.properties.get("matter", {}).get("id") or rng.choice(matter_plans(firm)).id
    return _task(firm, rng, matter, request.now)


def _task(firm: Firm, rng: Random, matter_id: str, ticks: int) -> Row:
    id_ = guid(rng)
    due = ticks + rng.randrange(1, 40) * TICKS_PER_DAY
    rest: Data = {
        "note": "Discuss with the client first.\r\nThen confirm in writing.",
        "categories": rng.sample(sample_text.CATEGORIES, 2),
        "dueDate": iso(due),
        "dueDateOnly": f"{iso_date(due)}T00:00:00",
        "duration": rng.choice(("PT30M", "PT1H", "PT4H33M")),
        "assignees": [firm.staff_link(rng, rng.choice(firm.staff))] if rng.random() < 0.6 else [],  # noqa: PLR2004
        "parentTask": {"rel": "Tasks"},
    }
    data: Data = {
        **record_header(id_, f"{firm.url}/tasks/{id_}", "Tasks"),
        "matter": matter_link(firm, rng, matter_id),
        "subject": rng.choice(sample_text.TASKS),
        **_progress(firm, rng, ticks),
        **sparse(rng, rest, 0.7),
    }
    return Row(data, ticks)


def _progress(firm: Firm, rng: Random, ticks: int) -> Data:
    """Return when a task was created and completed, and by whom."""
    done = rng.random() < 0.55  # noqa: PLR2004
    progress: Data = {
        "createdBy": firm.staff_link(rng, rng.choice(firm.staff)),
        "lastUpdatedBy": firm.staff_link(rng, rng.choice(firm.staff)),
        "createdDate": iso(ticks),
        "createdDateOnly": f"{iso_date(ticks)}T00:00:00",
        "isCompleted": done,
        "isDeleted": rng.random() < 0.04,  # noqa: PLR2004
        "lastUpdated": ticks,
    }
    if done:
        progress |= {
            "completedBy": firm.staff_link(rng, rng.choice(firm.staff)),
            "completedDate": iso(ticks + TICKS_PER_DAY),
            "completedDateOnly": f"{iso_date(ticks + TICKS_PER_DAY)}T00:00:00",
        }
    return progress


def subtask_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the subtasks that a task lists."""
    if parent is None or not isinstance(parent.plan, TaskPlan):
        return []
    rng = firm.rng("subtasks", parent.id)
    ticks = parent.plan.ticks
    return [_subtask(firm, rng, parent.id, id_, ticks) for id_ in parent.plan.subtasks]


def create_subtask(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a subtask and add it to its task."""
    row = _subtask(firm, rng, parent_id(request), guid(rng), request.now)
    if request.parent is not None:
        links = request.parent.data.setdefault("subTasks", [])
        links.append(_subtask_link(firm, rng, request.parent.id, row.id))
    return row


def _subtask(firm: Firm, rng: Random, task_id: str, id_: str, ticks: int) -> Row:
    data = {
        **record_header(id_, f"{firm.url}/tasks/{task_id}/subtasks/{id_}", "SubTasks"),
        "parentTask": link(rng, task_id, f"{firm.url}/tasks/{task_id}", "Tasks"),
        "subject": rng.choice(sample_text.SUBTASKS),
        **_progress(firm, rng, ticks),
    }
    return Row(data, ticks, task_id)


def _subtask_link(firm: Firm, rng: Random, task_id: str, id_: str) -> Data:
    return link(rng, id_, f"{firm.url}/tasks/{task_id}/subtasks/{id_}", "SubTasks")


def document_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate a task's documents: a file, a memo or a template."""
    if parent is None or not isinstance(parent.plan, TaskPlan):
        return []
    rng, matter = firm.rng("task documents", parent.id), parent.plan.matter
    if rng.random() > _SHARE_WITH_DOCUMENTS:
        return []
    found = [(_FILE, row) for row in files_of(firm, matter)[:1]]
    found += [(_MEMO, row) for row in memos_of(firm, matter)[:1]]
    rows = [_document(firm, rng, parent.id, type_, row.data) for type_, row in found]
    if not rows or rng.random() < 0.2:  # noqa: PLR2004
        rows.append(_document(firm, rng, parent.id, _TEMPLATE, None))
    for row in rows:
        row.updated = parent.plan.ticks
    return rows


def create_document(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a template document."""
    row = _document(firm, rng, parent_id(request), _TEMPLATE, None)
    row.updated = request.now
    return row


def _document(firm: Firm, rng: Random, task_id: str, type_: int, target: Data | None) -> Row:
    id_ = guid(rng)
    task = f"{firm.url}/tasks/{task_id}"
    data: Data = {
        **record_header(id_, f"{task}/documents/{id_}", "TaskDocuments"),
        "task": link(rng, task_id, task, "Tasks"),
        "type": type_,
        "isDeleted": rng.random() < 0.05,  # noqa: PLR2004
    }
    if target is not None:
        data["document"] = link(rng, target["id"], target["href"], target["rel"])
    return Row(data, 0, task_id)


def _filter_by_completion(query: Query) -> Callable[[Row], bool] | None:
    wanted = query.boolean("IsCompleted")
    return None if wanted is None else lambda row: row.data["isCompleted"] is wanted


TASKS = Resource(
    name="tasks",
    path="/tasks",
    scope="tasks/read",
    generate=generate,
    create=create,
    mark_updated=set_updated_ticks,
    mark_deleted=property_setter("isDeleted"),
    date_filters=(DateFilter("LastUpdated", "iso"), DateFilter("UpdatedSince", "ticks")),
    filters=(filter_by_matter, _filter_by_completion),
)
SUBTASKS = Resource(
    name="subtasks",
    path="/tasks/{taskId}/subtasks",
    scope="tasks/read",
    parent="tasks",
    generate=subtask_rows,
    create=create_subtask,
    mark_updated=set_updated_ticks,
    mark_deleted=property_setter("isDeleted"),
    response_format=ResponseFormat.VALUE,
)
TASK_DOCUMENTS = Resource(
    name="task_documents",
    path="/tasks/{taskId}/documents",
    scope="tasks/read",
    parent="tasks",
    generate=document_rows,
    create=create_document,
    mark_updated=leave_unmarked,
    mark_deleted=property_setter("isDeleted"),
    response_format=ResponseFormat.VALUE,
)
