"""The readable resources: path, envelope, filters and time of the last change of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Resource:
    """A list, or a single object, of the API.

    Attributes:
        name: Name of the Singer stream that reads it.
        path: Path; ``{}`` stands for the id of the parent.
        envelope: ``page``, ``unpaged`` (a page whose endpoint declares no Offset and Limit),
            ``value``, ``layouts``, ``array``, ``object``, ``roles`` or ``folders``.
        parent: The resource that it is listed for.
        filters: Dialect of each updated-since filter, by parameter.
        updated: Property with the time of the last change, and its form: ``ticks``, ``text`` or
            ``iso``.
        sorts: Fields that ``Sort`` takes.
        key: Columns that identify a row in the warehouse.
        is_certain: Whether each parent has one.
        has_flag: Whether deleted rows can stay in the list and say so.
    """

    name: str
    path: str
    envelope: str = "page"
    parent: str | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    updated: tuple[str, str] | None = None
    sorts: tuple[str, ...] = ()
    key: tuple[str, ...] = ("id",)
    is_certain: bool = False
    has_flag: bool = True

    @property
    def is_single(self) -> bool:
        """Whether there is one object for the firm or for each parent."""
        return self.envelope == "object"


_TICKS = {"UpdatedSince": "ticks"}
_ISO = {"LastUpdated": "iso"}
_BOTH = {**_TICKS, **_ISO}
_UPDATED_TICKS = ("lastUpdated", "ticks")
_UPDATED_ISO = ("lastUpdated", "iso")

RESOURCES = {
    resource.name: resource
    for resource in (
        Resource("firm", "/firm", "object", has_flag=False),
        Resource("staff", "/staff"),
        Resource("firm_users", "/firmusers", "array", key=("userId", "staffId"), has_flag=False),
        Resource("groups", "/groups", "unpaged"),
        Resource(
            "contacts", "/contacts", filters=_TICKS, updated=_UPDATED_TICKS, sorts=("lastupdated",)
        ),
        Resource(
            "contact_relations", "/contacts/{}/relations", "unpaged", "contacts",
            key=("contactId", "id"), has_flag=False,
        ),
        Resource(
            "matters", "/matters", filters=_BOTH, updated=("versionId", "text"),
            sorts=("status", "lastupdated"), has_flag=False,
        ),
        Resource(
            "matter_stages", "/stages", filters=_BOTH, updated=_UPDATED_TICKS, key=("matterId",),
            has_flag=False,
        ),
        Resource("stage_sets", "/stagesets", filters=_BOTH, updated=_UPDATED_TICKS),
        Resource("referral_types", "/referraltypes", "value"),
        Resource("layout_designs", "/layouts", updated=_UPDATED_TICKS, has_flag=False),
        Resource(
            "matter_roles", "/matters/{}/roles", "roles", "matters", key=("matterId", "id"),
            has_flag=False,
        ),
        Resource(
            "archives", "/matters/{}/archive", "object", "matters", key=("matterId",),
            has_flag=False,
        ),
        Resource(
            "billing_configurations", "/matters/{}/billingconfiguration", "object", "matters",
            key=("matterId",), is_certain=True, has_flag=False,
        ),
        Resource(
            "matter_layouts", "/matters/{}/layouts", "layouts", "matters",
            key=("matterId", "itemId"), has_flag=False,
        ),
        Resource("memos", "/matters/{}/memos", parent="matters", updated=_UPDATED_ISO),
        Resource(
            "files", "/matters/{}/documents/files", parent="matters",
            updated=("dateModified", "iso"), sorts=("datecreated",),
        ),
        Resource(
            "folders", "/matters/{}/documents/folders", "folders", "matters",
            key=("matterId", "id"), has_flag=False,
        ),
        Resource("activity_codes", "/activitycodes", filters=_TICKS),
        Resource("fees", "/matters/{}/fees", parent="matters", filters=_TICKS),
        Resource("expenses", "/matters/{}/expenses", parent="matters", filters=_TICKS),
        Resource("invoices", "/matters/{}/invoices", parent="matters", filters=_BOTH),
        Resource("bank_accounts", "/bankaccounts", "value", has_flag=False),
        Resource(
            "matter_balances", "/bankaccounts/{}/matter-balances", parent="bank_accounts",
            filters=_ISO, updated=_UPDATED_ISO, key=("bankAccountId", "matterId"), has_flag=False,
        ),
        Resource(
            "transactions", "/bankaccounts/{}/transactions", parent="bank_accounts", filters=_ISO
        ),
        Resource("tasks", "/tasks", filters=_BOTH, updated=_UPDATED_TICKS),
        Resource("subtasks", "/tasks/{}/subtasks", "value", "tasks", updated=_UPDATED_TICKS),
        Resource(
            "task_documents", "/tasks/{}/documents", "value", "tasks", key=("taskId", "id")
        ),
        Resource("events", "/events", filters={"UpdatedSince": "local"}, updated=_UPDATED_ISO),
        Resource("intake_forms", "/intake/forms", updated=_UPDATED_ISO, has_flag=False),
        Resource(
            "intake_submissions", "/intake/{}/submissions", parent="matters", updated=_UPDATED_ISO
        ),
    )
}  # fmt: skip
"""All resources, by name."""

PARENTS = tuple(dict.fromkeys(r.parent for r in RESOURCES.values() if r.parent))
"""The resources that others are listed for."""

PARENT_COLUMNS = {
    "contacts": "contactId",
    "matters": "matterId",
    "bank_accounts": "bankAccountId",
    "tasks": "taskId",
}
"""The column that holds the id of the parent, by parent."""
