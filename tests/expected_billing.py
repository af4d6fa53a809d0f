"""Computes bills, payments, debts and lock-up of a firm from its rows, without SQL."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tests.expected_figures import ZERO, add_months, billable_amount, cents, month_of
from tests.expected_rows import FINAL, PAID

if TYPE_CHECKING:
    from tests.expected_figures import Figures, FirmFigures
    from tests.harness import Json

MATURE_DAYS = 90
ISSUED = {FINAL, PAID}


class ExpectedBilling:
    """What a firm has billed, and what of it was paid.

    Payments name a matter and no invoice: they fill the invoices of their matter, the oldest first.
    """

    def __init__(self, firm: FirmFigures) -> None:
        self.firm = firm
        self.issued = {row["id"]: row for row in firm.issued()}
        self.matters = {e["row"]["id"]: e["parent"] for e in firm.rows["invoices"]}
        self.days = {id_: firm.day(row.get("issuedDate")) for id_, row in self.issued.items()}

    @cached_property
    def bills(self) -> Figures:
        """Return the amounts of each issued invoice."""
        found: Figures = {}
        for id_, row in self.issued.items():
            amounts, issued = _Amounts(row), self.days[id_]
            found[id_,] = {
                "recorded_fee_amount": self._recorded[id_] if amounts.has_totals else ZERO,
                "net_fee_amount": amounts.net_fees,
                "net_cost_amount": amounts.net_costs,
                "tax_amount": amounts.of["tax"],
                "payable_amount": amounts.payable,
                "collected_amount": amounts.paid_without_interest - self._credits[id_],
                "unpaid_amount": amounts.of["unpaid"],
                "is_mature": bool(issued and (self.firm.today - issued).days >= MATURE_DAYS),
            }
        return found

    @cached_property
    def receipts(self) -> Figures:
        """Return what each payment was, and the fees, costs and tax that it paid, for interest."""
        found: Figures = {}
        for account, _, row in self._payments():
            sign = 1 if row["type"] == "InvoicePayment" else -1
            amount, is_credit = sign * Decimal(row["amount"]), account["type"] == "Credit"
            parts = dict.fromkeys(("fee_amount", "cost_amount", "tax_amount"), ZERO)
            for invoice, allocated in self._allocations.get(row["id"], ()):
                amounts = _Amounts(self.issued[invoice])
                without_interest = allocated * amounts.paid_without_interest / amounts.of["paid"]
                share = without_interest / amounts.payable if amounts.payable else ZERO
                parts["fee_amount"] += share * amounts.net_fees
                parts["cost_amount"] += share * amounts.net_costs
                parts["tax_amount"] += share * amounts.of["tax"]
            found[row["id"],] = {
                "cash_amount": ZERO if is_credit else amount,
                "credit_amount": amount if is_credit else ZERO,
                **{name: cents(part) for name, part in parts.items()},
            }
        return found

    @cached_property
    def receipt_rows(self) -> list[dict[str, Any]]:
        """Return the payments with their matters, days and accounts."""
        return [
            {
                "matter": matter,
                "day": self.firm.day(row["effectiveDate"]),
                "account_type": account["type"],
                **self.receipts[row["id"],],
            }
            for account, matter, row in self._payments()
        ]

    @cached_property
    def debts(self) -> Figures:
        """Return what each debtor owes of each invoice: equal parts, the first one the rest."""
        found: Figures = {}
        for (invoice,), sums in self.firm.receivables().items():
            row = self.issued[invoice]
            named = [each["contact"]["id"] for each in row.get("debtors") or ()] or [None]
            without_tax = _Amounts(row).unpaid_without_tax
            for place, debtor in enumerate(named):
                found[invoice, debtor] = {
                    "owed_amount": _part(sums["owed_amount"], len(named), place),
                    "owed_exc_tax_amount": _part(without_tax, len(named), place),
                    "days_overdue": sums["days_overdue"],
                }
        return found

    def lockup(self, wip_fees: Decimal, owed: Decimal, day: date) -> dict[str, Decimal | None]:
        """Return the days of billing that unbilled fees and debtors without tax are worth."""
        year_before = add_months(day, -12)
        of_year = [
            _Amounts(self.issued[id_])
            for id_, issued in self.days.items()
            if issued and year_before < issued <= day
        ]
        fees = sum((each.net_fees for each in of_year), ZERO)
        billed = sum((each.net_fees + each.net_costs + each.surcharge for each in of_year), ZERO)
        is_known = min(filter(None, self.days.values()), default=day) <= year_before
        wip_days = _days_of(wip_fees, fees) if is_known else None
        debtor_days = _days_of(owed, billed) if is_known else None
        return {
            "wip_fees": wip_fees,
            "owed_exc_tax_amount": owed,
            "invoices_in_12_months": Decimal(len(of_year)),
            "billed_fees_in_12_months": fees,
            "wip_days": wip_days,
            "debtor_days": debtor_days,
            "lockup_days": (
                None if wip_days is None or debtor_days is None else wip_days + debtor_days
            ),
        }

    @cached_property
    def billed_by_month(self) -> dict[tuple[str, date], Decimal]:
        """Return the fees of each timekeeper by the month of issue, net of discount."""
        on_bills: dict[str, list[Json]] = defaultdict(list)
        for kind, state, _, row in self.firm.entries():
            if kind == "fee" and state == "billed":
                on_bills[row["invoiceId"]].append(row)
        found: dict[tuple[str, date], Decimal] = defaultdict(lambda: ZERO)
        for id_, rows in on_bills.items():
            month = month_of(self.days[id_])
            whole = sum((billable_amount("fee", row) for row in rows), ZERO)
            discount = _Amounts(self.issued[id_]).fee_discount
            for row in rows:
                amount = billable_amount("fee", row)
                if month and whole:
                    found[row["staff"]["id"], month] += amount - amount * discount / whole
        return found

    @cached_property
    def _recorded(self) -> dict[str, Decimal]:
        found: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for kind, state, _, row in self.firm.entries():
            if kind == "fee" and state in {"billed", "written_off_on_bill"}:
                found[row["invoiceId"]] += billable_amount("fee", row)
        return found

    def _payments(self) -> list[tuple[Json, str | None, Json]]:
        return [
            (account, (row.get("matter") or {}).get("id"), row)
            for account, row in self.firm.transactions()
            if row["type"] in {"InvoicePayment", "InvoicePaymentReversal"}
        ]

    @cached_property
    def _credits(self) -> dict[str, Decimal]:
        """Return what client credit paid of each invoice: it is not cash."""
        found: dict[str, Decimal] = defaultdict(lambda: ZERO)
        is_credit = {row["id"]: a["type"] == "Credit" for a, _, row in self._payments()}
        for payment, parts in self._allocations.items():
            for invoice, amount in parts:
                found[invoice] += amount if is_credit[payment] else ZERO
        return found

    @cached_property
    def _allocations(self) -> dict[str, list[tuple[str, Decimal]]]:
        """Return the parts of each payment by invoice. A reversed payment pays nothing."""
        last = date.max
        owed: dict[str, list[list[Any]]] = defaultdict(list)
        for row in sorted(
            self.issued.values(),
            key=lambda row: (self.days[row["id"]] or last, row["invoiceNumber"], row["id"]),
        ):
            owed[self.matters[row["id"]]].append([row["id"], _Amounts(row).of["paid"]])
        found: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
        for _, matter, row in sorted(
            self._payments(),
            key=lambda each: (self.firm.day(each[2]["effectiveDate"]) or last, each[2]["id"]),
        ):
            left = Decimal(row["amount"])
            if row["type"] != "InvoicePayment" or row.get("reversed") or matter is None:
                continue
            for invoice in owed[matter]:
                part = min(left, invoice[1])
                if part > 0:
                    found[row["id"]].append((invoice[0], part))
                    invoice[1] -= part
                    left -= part
        return found


class _Amounts:
    """The totals of an issued invoice, apart."""

    def __init__(self, row: Json) -> None:
        totals = row.get("invoiceTotals") or {}
        self.of: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self.of |= {name: Decimal(amount) for name, amount in totals.items()}
        self.has_totals = bool(totals)
        of = self.of
        fees = of["feeTotal"] - of["writtenOffFeeTotal"]
        costs = of["expenseTotal"] - of["writtenOffExpenseTotal"]
        written_off = of["writtenOffFeeTotal"] + of["writtenOffExpenseTotal"]
        self.fee_discount = min(of["discount"], max(fees, ZERO))
        self.net_fees = fees - self.fee_discount
        self.net_costs = costs - (of["discount"] - self.fee_discount)
        self.surcharge = of["total"] - of["billed"] - of["tax"] - of["interest"]
        self.payable = of["total"] - of["interest"] - of["discount"] - written_off
        has_interest = of["paid"] > self.payable and of["interest"] > 0
        self.paid_without_interest = self.payable if has_interest else of["paid"]
        unpaid = of["unpaidExcInterest"]
        self.unpaid_without_tax = (
            cents(unpaid * (1 - of["tax"] / self.payable)) if self.payable else ZERO
        )


def _part(amount: Decimal, parts: int, place: int) -> Decimal:
    part = cents(amount / parts)
    return part if place else amount - part * (parts - 1)


def _days_of(amount: Decimal, billed: Decimal) -> Decimal | None:
    """Return how many days of the billing of a year an amount is, with one digit."""
    return (365 * amount / billed).quantize(Decimal("0.1"), ROUND_HALF_UP) if billed else None
