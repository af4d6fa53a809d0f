"""The resources the sandbox serves, one module an area of the API."""

from __future__ import annotations

from .activities import ACTIVITY_CODES
from .billing import FEES
from .contacts import CONTACT_RELATIONS, CONTACTS
from .documents import FILES, FOLDERS
from .events import EVENTS
from .expenses import EXPENSES
from .intake import INTAKE_FORMS, INTAKE_SUBMISSIONS
from .invoices import INVOICES
from .kinds import MATTER_TYPES, REFERRAL_TYPES
from .layouts import LAYOUT_DESIGNS, MATTER_LAYOUTS
from .matters import MATTERS
from .memos import MEMOS
from .parts import ARCHIVES, BILLING_CONFIGURATIONS, MATTER_ROLES
from .people import FIRM, FIRM_USERS, GROUPS, STAFF
from .stages import MATTER_STAGES, STAGE_SETS
from .tasks import SUBTASKS, TASK_DOCUMENTS, TASKS
from .trust import BANK_ACCOUNTS, MATTER_BALANCES, TRANSACTIONS

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
