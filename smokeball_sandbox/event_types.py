"""The types of webhook events, and which of them a change of a row causes.

Bank accounts, balances, transactions, folders and other resources that are not named here cause
no event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smokeball_sandbox.resources import Change

NOOP = "noop"
SYSTEM_TYPES = frozenset({"mattertype.updated"})
"""Types that go to the subscriptions of every account, as events of account zero."""
SYSTEM_ACCOUNT = "00000000-0000-0000-0000-000000000000"

GUIDE_TYPES = (
    *("activitycode.created", "activitycode.deleted", "activitycode.updated"),
    *("archive.updated", "billingconfiguration.updated"),
    *("contact.created", "contact.deleted", "contact.restored", "contact.updated"),
    *("expense.created", "expense.deleted", "expense.updated", "event.updated", "files.updated"),
    *("fee.created", "fee.deleted", "fee.updated", "firm.updated", "firmuser.updated"),
    *("invoice.finalized", "layoutdesign.updated", "layoutmatter.created", "layoutmatter.updated"),
    *("mattertype.updated", "matter.created", "matter.updated", "matteritems.updated"),
    *("matterstage.updated", "memo.created", "memo.updated", "memo.deleted", "memo.restored"),
    *("roles.updated", "staff.created", "staff.updated", "stageset.created", "stageset.updated"),
    *("task.created", "task.updated", "task.deleted", "user.registered", "user.unregistered"),
    "error",
)
"""The types in the vendor's guide."""

LIVE_TYPES = (
    *GUIDE_TYPES,
    *("invoice.created", "invoice.updated", "matter.closed", "matter.converted"),
    *("matter.initialized", "matter.statusUpdated", "task.completed"),
)
"""The types that were also seen live, or in release notes."""

_CREATED_UPDATED_DELETED = {
    "activity_codes": "activitycode",
    "contacts": "contact",
    "expenses": "expense",
    "fees": "fee",
    "memos": "memo",
    "tasks": "task",
}
_CREATED_UPDATED = {"matter_layouts": "layoutmatter", "staff": "staff", "stage_sets": "stageset"}
_UPDATED = {
    "archives": "archive",
    "billing_configurations": "billingconfiguration",
    "events": "event",
    "files": "files",
    "firm": "firm",
    "firm_users": "firmuser",
    "layout_designs": "layoutdesign",
    "matter_roles": "roles",
    "matter_stages": "matterstage",
    "matter_types": "mattertype",
}
_RESTORED = {"contacts", "memos"}
_FINAL_INVOICE = 1


def event_types(change: Change) -> list[str]:
    """Return the types of the events that a change causes, in order."""
    return list(_types(change))


def _types(change: Change) -> Iterator[str]:
    name = change.resource.name
    if name == "matters":
        yield from _matter_types(change)
    elif name == "invoices":
        yield from _invoice_types(change)
    elif prefix := _CREATED_UPDATED_DELETED.get(name):
        yield f"{prefix}.{_verb(change)}"
        if name == "tasks" and change.before and _is_set(change, "isCompleted"):
            yield "task.completed"
    elif prefix := _CREATED_UPDATED.get(name):
        yield f"{prefix}.{'created' if change.before is None else 'updated'}"
    elif prefix := _UPDATED.get(name):
        yield f"{prefix}.updated"
        if name == "firm_users" and change.before is None:
            yield "user.registered"
        elif name == "firm_users" and _is_deleted(change, "isFormerUser"):
            yield "user.unregistered"


def _matter_types(change: Change) -> Iterator[str]:
    if change.after is None:
        return
    if change.before is None:
        yield from ("matter.initialized", "matter.created")
        return
    yield "matter.updated"
    before, after = change.before.data, change.after.data
    if before.get("isLead") is True and after.get("isLead") is not True:
        yield "matter.converted"
    elif before.get("status") != after.get("status"):
        yield "matter.statusUpdated"
        if after.get("status") == "Closed":
            yield "matter.closed"


def _invoice_types(change: Change) -> Iterator[str]:
    if change.after is None:
        return
    # Release notes and guide name no event of a paid, void or deleted invoice.
    yield "invoice.created" if change.before is None else "invoice.updated"
    if _is_new_value(change, "status", expected=_FINAL_INVOICE):
        yield "invoice.finalized"


def _verb(change: Change) -> str:
    if change.before is None:
        return "created"
    if _is_deleted(change, "isDeleted"):
        return "deleted"
    was_deleted = change.before.data.get("isDeleted") is True
    is_restored = was_deleted and change.row.data.get("isDeleted") is not True
    return "restored" if is_restored and change.resource.name in _RESTORED else "updated"


def _is_deleted(change: Change, flag: str) -> bool:
    return change.after is None or _is_set(change, flag)


def _is_set(change: Change, flag: str) -> bool:
    return _is_new_value(change, flag, expected=True)


def _is_new_value(change: Change, name: str, *, expected: object) -> bool:
    """Return whether a property has this value now and had another one before."""
    before = None if change.before is None else change.before.data.get(name)
    after = None if change.after is None else change.after.data.get(name)
    return before != expected and after == expected
