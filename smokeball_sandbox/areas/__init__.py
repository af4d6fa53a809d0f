"""The resources that the sandbox serves, one module per area of the API."""

from __future__ import annotations

from smokeball_sandbox.areas.activities import ACTIVITY_CODES
from smokeball_sandbox.areas.addresses import FILE_ADDRESSES, INVOICE_ADDRESSES
from smokeball_sandbox.areas.billing import FEES
from smokeball_sandbox.areas.contacts import CONTACT_RELATIONS, CONTACTS
from smokeball_sandbox.areas.details import (
    EVENT_REMINDERS,
    FILE_VERSIONS,
    FOLDER_VERSIONS,
    LAYOUT_CONTACTS,
    USERS,
)
from smokeball_sandbox.areas.documents import FILES, FOLDERS
from smokeball_sandbox.areas.events import EVENTS
from smokeball_sandbox.areas.expenses import EXPENSES
from smokeball_sandbox.areas.firm import FIRM, FIRM_USERS, GROUPS, STAFF
from smokeball_sandbox.areas.intake import INTAKE_FORMS, INTAKE_SUBMISSIONS
from smokeball_sandbox.areas.invoices import INVOICES
from smokeball_sandbox.areas.layouts import LAYOUT_DESIGNS, MATTER_LAYOUTS
from smokeball_sandbox.areas.matter_details import ARCHIVES, BILLING_CONFIGURATIONS, MATTER_ROLES
from smokeball_sandbox.areas.matter_types import MATTER_TYPES, REFERRAL_TYPES
from smokeball_sandbox.areas.matters import MATTERS
from smokeball_sandbox.areas.memos import MEMOS
from smokeball_sandbox.areas.stages import MATTER_STAGES, STAGE_SETS
from smokeball_sandbox.areas.tasks import SUBTASKS, TASK_DOCUMENTS, TASKS
from smokeball_sandbox.areas.trust import BANK_ACCOUNTS, MATTER_BALANCES, TRANSACTIONS

RESOURCES = (
    FIRM,
    STAFF,
    FIRM_USERS,
    CONTACTS,
    MATTERS,
    MATTER_TYPES,
    REFERRAL_TYPES,
    MATTER_STAGES,
    STAGE_SETS,
    ACTIVITY_CODES,
    TASKS,
    EVENTS,
    BANK_ACCOUNTS,
    MATTER_BALANCES,
    TRANSACTIONS,
    FEES,
    EXPENSES,
    INVOICES,
    MATTER_ROLES,
    MEMOS,
    FILES,
    BILLING_CONFIGURATIONS,
    MATTER_LAYOUTS,
    LAYOUT_DESIGNS,
    SUBTASKS,
    TASK_DOCUMENTS,
    FOLDERS,
    ARCHIVES,
    CONTACT_RELATIONS,
    GROUPS,
    INTAKE_FORMS,
    INTAKE_SUBMISSIONS,
)
"""The resources whose list is for the whole firm, or for a row of such a list."""

DETAILS = (
    USERS,
    FILE_VERSIONS,
    FOLDER_VERSIONS,
    FILE_ADDRESSES,
    INVOICE_ADDRESSES,
    LAYOUT_CONTACTS,
    EVENT_REMINDERS,
)
"""The resources that are found by way of others."""
