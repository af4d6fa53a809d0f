"""Which columns of the marts are compared with figures computed from the rows of a firm."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.expected_figures import ZERO

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.expected_figures import Figures
    from tests.expected_page import ExpectedPage

ONE = Decimal(1)
IN_HOURS = Decimal("0.0001")
"""Hours of a month have four digits: a third of a second."""


@dataclass(frozen=True)
class MartCheck:
    """Columns of a mart, and what computes them.

    Attributes:
        name: What is compared.
        mart: Name of the mart.
        keys: Columns that identify a figure.
        sums: Columns, or expressions with a name, that are summed by key.
        expected: Computes the sums by key.
        where: Condition on the rows.
        tolerance: How much a figure may differ.
    """

    name: str
    mart: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    expected: Callable[[ExpectedPage], Figures]
    where: str = "1 = 1"
    tolerance: Decimal = ZERO

    def differences(self, found: Figures, page: ExpectedPage) -> list[str]:
        """Return the figures that differ. Rows of nothing but zeros may be missing."""
        expected = self.expected(page)
        wrong = [
            f"{key} {name}: {(found.get(key) or {}).get(name)}, expected {value}"
            for key, figures in expected.items()
            for name, value in figures.items()
            if abs(((found.get(key) or {}).get(name) or ZERO) - (value or ZERO)) > self.tolerance
        ]
        more = {key for key, row in found.items() if key not in expected and any(row.values())}
        return wrong + [f"{key}: not expected" for key in more]


def _only(figures: Figures, *columns: str) -> Figures:
    return {key: {name: row[name] for name in columns} for key, row in figures.items()}


_BILL = ("net_fee_amount", "net_cost_amount", "tax_amount", "payable_amount", "unpaid_amount")
_DEBT = ("owed_amount", "owed_exc_tax_amount", "overdue_amount")
_TODAY = "day = (select max(day) from analytics.smokeball__wip_daily)"
_LEDGER = ("balance", "protected_balance", "available_balance", "moved_amount")
_HOURS = ("available_hours", "hours", "billable_hours", "target_hours")
_PAID = ("billable_amount", "billed_amount")
_ACCOUNT = ("ledger_balance", "moved_amount", "book_balance", "overdrawn_ledgers")
_TRANSFER = ("available_amount", "unpaid_invoices", "unpaid_amount", "transferable_amount")


def _exceptions(page: ExpectedPage) -> Figures:
    found: Figures = defaultdict(lambda: {"amount": ZERO, "exceptions": ZERO})
    for *key, amount in page.trust.exceptions:
        sums = found[tuple(key)]
        sums["amount"] += amount
        sums["exceptions"] += 1
    return found


def _accounts(page: ExpectedPage) -> Figures:
    return {
        key: {**{name: sums[name] for name in _ACCOUNT}, "agrees": Decimal(sums["agrees"])}
        for key, sums in page.trust.reconciliation.items()
    }


def _stages(page: ExpectedPage) -> Figures:
    return {
        (id_, *row["stage"]): {
            "matters": ONE,
            "age_days": row["age_days"],
            "idle_days": row["idle_days"],
        }
        for id_, row in page.people.matters.items()
    }


def _work(page: ExpectedPage) -> Figures:
    return {
        key: {name: row[name] for name in ("fees", "disbursements")}
        | {"total": row["fees"] + row["disbursements"]}
        for key, row in page.firm.work_in_progress().items()
    }


def _debts(page: ExpectedPage) -> Figures:
    found: Figures = defaultdict(lambda: dict.fromkeys(_DEBT, ZERO))
    for (invoice, _), row in page.billing.debts.items():
        sums, is_overdue = found[page.billing.matters[invoice],], row["days_overdue"] > 0
        sums["owed_amount"] += row["owed_amount"]
        sums["owed_exc_tax_amount"] += row["owed_exc_tax_amount"]
        sums["overdue_amount"] += max(row["owed_amount"], ZERO) if is_overdue else ZERO
    return found


def _leads(page: ExpectedPage) -> Figures:
    return {
        (id_, row["outcome"]): {"leads": ONE, "counted": Decimal(row["is_counted"])}
        for id_, row in page.people.leads.items()
    }


def lockup(page: ExpectedPage) -> Figures:
    """Return the lock-up of each month with an image."""
    return {(month,): page.lockup_of(image) for month, image in page.month_ends().items()}


MART_CHECKS = (
    MartCheck(
        "bills",
        "invoices",
        ("invoice_id",),
        (*_BILL, "paid_exc_interest_amount - paid_by_credit_amount as collected_amount"),
        lambda page: _only(page.billing.bills, *_BILL, "collected_amount"),
        "is_issued",
    ),
    MartCheck(
        "payments",
        "receipts",
        ("transaction_id",),
        ("cash_amount", "credit_amount", "fee_amount", "cost_amount", "tax_amount"),
        lambda page: page.billing.receipts,
    ),
    MartCheck(
        "debts by debtor",
        "ar_ageing",
        ("invoice_id", "debtor_id"),
        ("owed_amount", "owed_exc_tax_amount", "days_overdue"),
        lambda page: page.billing.debts,
    ),
    MartCheck(
        "image of unbilled work",
        "wip_daily",
        ("matter_id",),
        ("fees", "disbursements", "total"),
        _work,
        _TODAY,
    ),
    MartCheck("image of debts", "ar_daily", ("matter_id",), _DEBT, _debts, _TODAY),
    MartCheck(
        "old bills",
        "billing_monthly",
        ("source_relation",),
        ("mature_payable_amount", "mature_collected_amount"),
        lambda page: {(page.firm.name,): page.old_bills()},
    ),
    MartCheck(
        "lock-up",
        "lockup_monthly",
        ("month",),
        (
            *("wip_fees", "owed_exc_tax_amount", "billed_fees_in_12_months"),
            *("invoices_in_12_months", "wip_days", "debtor_days", "lockup_days"),
        ),
        lockup,
    ),
    MartCheck(
        "ledgers",
        "trust_balances",
        ("bank_account_id", "matter_id"),
        _LEDGER,
        lambda page: page.trust.ledgers,
    ),
    MartCheck(
        "accounts",
        "trust_reconciliation",
        ("bank_account_id",),
        (*_ACCOUNT, "case when is_reconciled then 1 else 0 end as agrees"),
        _accounts,
    ),
    MartCheck(
        "trust exceptions",
        "trust_exceptions",
        ("priority", "exception_type", "bank_account_id", "matter_id"),
        ("amount", "1 as exceptions"),
        _exceptions,
    ),
    MartCheck(
        "trust money for the office account",
        "trust_to_office",
        ("matter_id",),
        _TRANSFER,
        lambda page: _only(page.trust.transferable, *_TRANSFER),
    ),
    MartCheck(
        "hours",
        "timekeeper_monthly",
        ("staff_id", "month"),
        _HOURS,
        lambda page: _only(page.people.hours, *_HOURS),
        "is_fee_earner",
        IN_HOURS,
    ),
    MartCheck(
        "fees of timekeepers",
        "timekeeper_monthly",
        ("staff_id", "month"),
        _PAID,
        lambda page: _only(page.people.hours, *_PAID),
        "is_fee_earner",
    ),
    MartCheck(
        "leverage",
        "leverage_monthly",
        ("month",),
        ("principal_hours", "other_hours", "unknown_role_hours"),
        lambda page: page.people.leverage,
        tolerance=Decimal("0.006"),
    ),
    MartCheck(
        "practice areas",
        "practice_area_monthly",
        ("month", "practice_area"),
        ("recorded_amount", "non_billable_amount", "wip_amount", "written_off_amount"),
        lambda page: page.people.practice_areas,
    ),
    MartCheck(
        "matters by stage",
        "matters",
        ("matter_id", "stage_set", "stage"),
        ("1 as matters", "age_days", "idle_days"),
        _stages,
        "is_active",
    ),
    MartCheck(
        "leads",
        "leads",
        ("matter_id", "outcome"),
        ("1 as leads", "case when is_counted then 1 else 0 end as counted"),
        _leads,
        "outcome <> 'deleted'",
    ),
)
