"""Computes the figures of the dbt package from a firm's rows, without SQL."""

from __future__ import annotations

import calendar
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, overload

from smokeball_sandbox.areas.ledger import SIGNS
from tests.expected_rows import DELETED, DRAFT, FINAL, PAID, VOID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from tests.harness import Json

ZERO = Decimal(0)
FEE = "fee"
FEE_EARNERS = {"Principal", "Attorney", "Paralegal"}
NOT_OPEN = {"Closed", "Cancelled", "Deleted"}
UTC = timezone.utc

Figures = dict[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class FirmFigures:
    """The figures of a firm.

    Attributes:
        rows: The rows of each resource, from `tests.harness.sandbox_rows`.
        today: The date of the report.
        zone: The firm's time zone.
        name: The firm's name in ``source_relation``.
    """

    rows: dict[str, list[Json]]
    today: date
    zone: ZoneInfo
    name: str = ""
    _indexes: dict[str, dict[str, Json]] = field(default_factory=dict, repr=False)

    def day(self, timestamp: str | None) -> date | None:
        """Return the date in the firm's time zone; midnight in UTC is a date without a time."""
        if not timestamp:
            return None
        moment = datetime.fromisoformat(
            timestamp[:19] + (timestamp[19:] or "Z").replace("Z", "+00:00")
        )
        moment = moment.astimezone(UTC)
        return (moment if moment.time() == time(0) else moment.astimezone(self.zone)).date()

    def by_id(self, resource: str) -> dict[str, Json]:
        if resource not in self._indexes:
            rows = self.rows[resource]
            self._indexes[resource] = {entry["row"]["id"]: entry["row"] for entry in rows}
        return self._indexes[resource]

    def is_excluded(self, matter: str) -> bool:
        row = self.by_id("matters")[matter]
        return row["status"] == "Deleted" or bool(row.get("isMatterTemplate"))

    def entries(self) -> Iterator[tuple[str, str, str, Json]]:
        """Yield kind, state, matter and row of each fee and expense that counts."""
        invoices = self.by_id("invoices")
        for resource, kind in (("fees", "fee"), ("expenses", "expense")):
            for entry in self.rows[resource]:
                row = entry["row"]
                if row.get("isDeleted") or self.is_excluded(entry["parent"]):
                    continue
                yield kind, _state(row, invoices), entry["parent"], row

    def issued(self) -> Iterator[Json]:
        for entry in self.rows["invoices"]:
            if entry["row"]["status"] in {FINAL, PAID} and not self.is_excluded(entry["parent"]):
                yield entry["row"]

    def work_in_progress(self) -> Figures:
        """Return the work in progress by matter; orphaned work apart."""
        found: Figures = {}
        for kind, state, matter, row in self.entries():
            if state not in {"wip", "on_draft", "orphaned"}:
                continue
            names = ("fees", "disbursements", "on_draft", "orphaned", "over_90_days")
            sums = found.setdefault((matter,), dict.fromkeys(names, ZERO))
            amount = billable_amount(kind, row)
            if state == "orphaned":
                sums["orphaned"] += amount
                continue
            sums["fees" if kind == "fee" else "disbursements"] += amount
            sums["on_draft"] += amount if state == "on_draft" else ZERO
            worked = date.fromisoformat(row["feeDate" if kind == "fee" else "expenseDate"])
            sums["over_90_days"] += amount if (self.today - worked).days > 90 else ZERO
        return found

    def draft_discounts(self) -> Decimal:
        """Return the discounts of drafts: those in the totals, else those of the settings."""
        discounts = ZERO
        for entry in self.rows["invoices"]:
            row = entry["row"]
            if row["status"] != DRAFT or self.is_excluded(entry["parent"]):
                continue
            totals = {name: Decimal(amount) for name, amount in row["invoiceTotals"].items()}
            share = Decimal((row.get("discount") or {}).get("percentage", 0))
            fees = totals["feeTotal"] - totals["writtenOffFeeTotal"]
            discounts += totals["discount"] or cents(fees * share / 100)
        return discounts

    def receivables(self) -> Figures:
        """Return the unpaid amount and the days overdue of each invoice."""
        found: Figures = {}
        for row in self.issued():
            if unpaid := Decimal(_totals(row)["unpaid"]):
                due = self.day(row.get("dueDate")) or self.day(row.get("issuedDate"))
                days = (self.today - due).days if due else 0
                found[row["id"],] = {"owed_amount": unpaid, "days_overdue": days}
        return found

    def billing(self) -> Figures:
        """Return billed fees, payable amounts and cash by month."""
        names = (
            *("invoices", "net_fee_amount", "recorded_fee_amount", "payable_amount"),
            *("written_off_unbilled_amount", "worked_amount", "non_billable_amount"),
            *("cash_amount", "credit_amount", "lost_after_billing_amount"),
        )
        months: Figures = defaultdict(lambda: dict.fromkeys(names, ZERO))
        issued = {row["id"]: month_of(self.day(row.get("issuedDate"))) for row in self.issued()}
        has_totals = {row["id"]: bool(row.get("invoiceTotals")) for row in self.issued()}
        for row in self.issued():
            totals = _totals(row)
            sums = months[issued[row["id"]],]
            fees = totals["feeTotal"] - totals["writtenOffFeeTotal"]
            entries = totals["writtenOffFeeTotal"] + totals["writtenOffExpenseTotal"]
            sums["invoices"] += 1
            sums["net_fee_amount"] += fees - min(totals["discount"], max(fees, ZERO))
            sums["payable_amount"] += (
                totals["total"] - totals["interest"] - totals["discount"] - entries
            )
            sums["lost_after_billing_amount"] += totals["waived"] + totals["writtenOff"] - entries
        for kind, state, _, row in self.entries():
            if kind == "expense":
                continue
            worked = months[month_of(date.fromisoformat(row["feeDate"])),]
            whole, billable = Decimal(row["amountExcTax"]), billable_amount(kind, row)
            worked["worked_amount"] += whole
            worked["non_billable_amount"] += whole - billable
            if state == "written_off_unbilled":
                worked["written_off_unbilled_amount"] += billable
            is_on_bill = state in {"billed", "written_off_on_bill"}
            if is_on_bill and has_totals[row["invoiceId"]]:
                months[issued[row["invoiceId"]],]["recorded_fee_amount"] += billable
        for account, row in self.transactions():
            if row["type"] in {"InvoicePayment", "InvoicePaymentReversal"}:
                column = "credit_amount" if account["type"] == "Credit" else "cash_amount"
                received = months[month_of(self.day(row["effectiveDate"])),]
                received[column] -= SIGNS[row["type"]] * Decimal(row["amount"])
        return dict(months)

    def billable_hours(self) -> Figures:
        """Return the minutes of billable parts of fee earners and others, by month."""
        found: Figures = defaultdict(lambda: {"billable_minutes": ZERO})
        for kind, state, _, row in self.entries():
            if kind == "fee" and row["feeType"] == 1:
                parts = [each for each in row.get("sourceItems", ()) if each["isBillable"]]
                minutes = sum(each["duration"] for each in parts) if parts else row["duration"]
                key = (row["staff"]["id"], month_of(date.fromisoformat(row["feeDate"])))
                found[key]["billable_minutes"] += 0 if state == "non_billable" else minutes
        return dict(found)

    def trust(self) -> Figures:
        """Return the balance of each ledger and what its transactions add up to."""
        found: Figures = defaultdict(lambda: {"balance": ZERO, "moved_amount": ZERO})
        for entry in self.rows["matter_balances"]:
            key = (entry["parent"], entry["row"]["matter"]["id"])
            found[key]["balance"] += Decimal(entry["row"]["balance"])
        for account, row in self.transactions():
            matter = (row.get("matter") or {}).get("id")
            found[account["id"], matter]["moved_amount"] += SIGNS.get(row["type"], 0) * Decimal(
                row["amount"]
            )
        return dict(found)

    def is_active(self, matter: str) -> bool:
        """Whether a matter is open or pending, and neither a lead nor a template."""
        row = self.by_id("matters")[matter]
        is_open = row["status"] in {"Open", "Pending"}
        return is_open and not row["isLead"] and not self.is_excluded(matter)

    def active_matters(self) -> int:
        return sum(map(self.is_active, self.by_id("matters")))

    def transactions(self) -> Iterator[tuple[Json, Json]]:
        accounts = self.by_id("bank_accounts")
        for entry in self.rows["transactions"]:
            yield accounts[entry["parent"]], entry["row"]


def _totals(row: Json) -> dict[str, Decimal]:
    """Return the totals of an invoice; 0 each if it has none."""
    totals: dict[str, Decimal] = defaultdict(lambda: ZERO)
    return totals | {
        name: Decimal(amount) for name, amount in (row.get("invoiceTotals") or {}).items()
    }


def _state(row: Json, invoices: dict[str, Json]) -> str:
    """Return the state of an entry that is not deleted."""
    invoice_id = row.get("invoiceId") or (row.get("invoice") or {}).get("id")
    invoice = invoices.get(str(invoice_id))
    if not row.get("isBillable", True):
        return "non_billable"
    if row["isInvoicedExternally"]:
        return "billed_elsewhere"
    if invoice_id and invoice is None:
        return "orphaned"
    if invoice is not None and invoice["status"] not in {DRAFT, DELETED, VOID}:
        return "written_off_on_bill" if row["isWrittenOff"] else "billed"
    if row["isWrittenOff"]:
        return "written_off_unbilled"
    return "on_draft" if invoice is not None and invoice["status"] == DRAFT else "wip"


def billable_amount(kind: str, row: Json) -> Decimal:
    """Return the value of the billable part, without tax."""
    if not row.get("isBillable", True):
        return ZERO
    return Decimal(row["billableAmountExcTax" if kind == "fee" else "amountExcTax"])


@overload
def month_of(day: date) -> date: ...
@overload
def month_of(day: date | None) -> date | None: ...
def month_of(day: date | None) -> date | None:
    """Return the first day of the month."""
    return day and day.replace(day=1)


def add_months(day: date, count: int) -> date:
    """Return the day some months later, or the last one of that month."""
    number = day.year * 12 + day.month - 1 + count
    year, month = number // 12, number % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
