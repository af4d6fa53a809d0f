"""Invoices: totals are the sums of their fees and expenses, to the cent."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from smokeball_sandbox.areas.billing import draft_among, fees_of, invoice_ids, write_off_id
from smokeball_sandbox.areas.common import (
    matter_link,
    parent_id,
    property_setter,
    renew_version,
    ticks_soon_after,
)
from smokeball_sandbox.areas.expenses import expenses_of
from smokeball_sandbox.areas.matters import matter_plan
from smokeball_sandbox.clock import TICKS_PER_DAY, UNSET_DATE, iso_date, to_ticks
from smokeball_sandbox.resources import CreateRequest, Data, DateFilter, Resource, Row
from smokeball_sandbox.value_helpers import divide_half_up, guid, money, record_header

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.areas.matters import MatterPlan
    from smokeball_sandbox.firm import Contact, Firm

DRAFT, FINAL, PAID, DELETED, VOID = range(5)
_FEES, _EXPENSES = 1, 2
_FIXED, _PERCENTAGE = 1, 2
_EXPENSE_ENTRY = 2
_PAID_SHARE = 0.65
_PAID_SHARE_WHEN_OLD = 0.78
_OLD_DAYS = 180
_WAIVED_SHARE = 0.05
_VOID_SHARE = 0.12
_DAYS_TO_PAY = 14


class Sums(NamedTuple):
    """Sums of an invoice's entries, in cents without tax."""

    fees: int
    fees_written_off: int
    expenses: int
    expenses_written_off: int
    tax: int


def generate(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the invoices of a matter row."""
    plan = matter_plan(parent)
    return [] if plan is None else invoices_of(firm, plan)


def invoices_of(firm: Firm, plan: MatterPlan) -> list[Row]:
    """Generate the invoices of a matter's fees and expenses; a few more are void."""
    entries: dict[str, list[Row]] = {}
    for row in (*fees_of(firm, plan), *expenses_of(firm, plan)):
        if "invoiceId" in row.data:
            entries.setdefault(row.data["invoiceId"], []).append(row)
    ids = invoice_ids(firm, plan)
    draft = draft_among(firm, plan, ids)
    rows = [
        _draft(firm, plan, id_, entries[id_])
        if id_ == draft
        else _invoice(firm, plan, id_, index, entries[id_])
        for index, id_ in enumerate(ids)
        if id_ in entries
    ]
    id_ = write_off_id(firm, plan)
    if id_ in entries:
        rows.append(_write_off(firm, plan, id_, len(ids), entries[id_]))
    rng = firm.rng("dropped invoice", plan.id)
    if rows and rng.random() < _VOID_SHARE:
        row = _blank(firm, rng, plan.id, guid(rng), plan.closed)
        row.data |= {"status": rng.choice((DELETED, VOID)), "invoiceTitle": "Entered in error"}
        row.updated = ticks_soon_after(firm, rng, plan.closed)
        rows.append(row)
    return rows


def create(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create an empty draft."""
    row = _blank(firm, rng, parent_id(request), guid(rng), request.now)
    row.updated = request.now
    return row


def _blank(firm: Firm, rng: Random, matter_id: str, id_: str, issued: int) -> Row:
    data: Data = {
        **record_header(id_, f"{firm.url}/matters/{matter_id}/invoices/{id_}", "Invoices"),
        "versionId": guid(rng),
        "matter": matter_link(firm, rng, matter_id),
        "matterId": matter_id,
        "lastUpdatedByUserId": rng.choice(firm.staff).user_id,
        "status": DRAFT,
        "issuedDate": f"{iso_date(issued)}T00:00:00+00:00",
        "dueDate": f"{iso_date(issued + _DAYS_TO_PAY * TICKS_PER_DAY)}T00:00:00+00:00",
        "paidDate": UNSET_DATE,
        "waived": False,
        "invoiceTotals": _totals(Sums(0, 0, 0, 0, 0), 0, 0),
    }
    return Row(data, issued, matter_id)


def _draft(firm: Firm, plan: MatterPlan, id_: str, entries: list[Row]) -> Row:
    """Return a draft, which has no number or surcharge; some have a discount."""
    rng = firm.rng("invoice", id_)
    row = _blank(firm, rng, plan.id, id_, _issued(firm, entries))
    data = row.data
    data |= {
        "entries": [_entry(each) for each in entries],
        "debtors": [_debtor(firm, rng, plan.client)],
    }
    row.updated = ticks_soon_after(firm, rng, row.updated)
    sums = _sums(entries)
    data["invoiceTotals"] = _totals(sums, _discount(rng, data, sums), 0)
    return row


def _write_off(firm: Firm, plan: MatterPlan, id_: str, index: int, entries: list[Row]) -> Row:
    """Return a final invoice over nothing: all its entries are written off."""
    rng = firm.rng("invoice", id_)
    row = _blank(firm, rng, plan.id, id_, _issued(firm, entries))
    row.data |= {
        "status": FINAL,
        "invoiceNumber": _number(firm, plan, index),
        "invoiceTitle": "Write-off of unbilled work",
        "entries": [_entry(each) for each in entries],
        "debtors": [_debtor(firm, rng, plan.client)],
        "invoiceTotals": _totals(_sums(entries), 0, 0),
    }
    row.updated = ticks_soon_after(firm, rng, row.updated)
    return row


def _number(firm: Firm, plan: MatterPlan, index: int) -> int:
    return 10_001 + plan.ordinal + index * firm.matters


def _invoice(firm: Firm, plan: MatterPlan, id_: str, index: int, entries: list[Row]) -> Row:
    rng = firm.rng("invoice", id_)
    row = _blank(firm, rng, plan.id, id_, _issued(firm, entries))
    data = row.data
    data |= {
        "status": FINAL,
        "invoiceNumber": _number(firm, plan, index),
        "invoiceTitle": f"Tax invoice {index + 1}",
        "description": "Professional services",
        "entries": [_entry(each) for each in entries],
        "debtors": [_debtor(firm, rng, plan.client)],
    }
    if rng.random() < 0.2:  # noqa: PLR2004
        data["debtors"].append(_debtor(firm, rng, plan.other))
    if rng.random() < 0.3:  # noqa: PLR2004
        data["invoiceTitleLine2"] = plan.matter_type.name
    sums = _sums(entries)
    discount, surcharge = _discount(rng, data, sums), _surcharge(rng, data, sums)
    row.updated = ticks_soon_after(firm, rng, row.updated)
    _settle(firm, rng, row, sums, discount, surcharge)
    return row


def _issued(firm: Firm, entries: list[Row]) -> int:
    """Return the day after the last entry, in ticks."""
    days = [row.data.get("feeDate") or row.data["expenseDate"] for row in entries]
    last = to_ticks(date.fromisoformat(max(days)))
    return min(last + TICKS_PER_DAY, firm.anchor_ticks - 3 * TICKS_PER_DAY)


def _settle(  # noqa: PLR0913, PLR0917
    firm: Firm, rng: Random, row: Row, sums: Sums, discount: int, surcharge: int
) -> None:
    """Choose a status and payment for an invoice, and write its totals.

    Smokeball marks a waived invoice as paid in full.
    """
    data = row.data
    due = _due(sums, discount, surcharge)
    fate = rng.random()
    is_waived = fate > 1 - _WAIVED_SHARE
    is_old = row.updated < firm.anchor_ticks - _OLD_DAYS * TICKS_PER_DAY
    paid_share = _PAID_SHARE_WHEN_OLD if is_old else _PAID_SHARE
    if due > 0 and (is_waived or fate < paid_share):
        data |= {"status": PAID, "paidDate": f"{iso_date(row.updated)}T00:00:00+00:00"}
        data["waived"] = is_waived
        paid, waived = (0, due) if is_waived else (due, 0)
        data["invoiceTotals"] = _totals(sums, discount, surcharge, paid=paid, waived=waived)
        return
    if rng.random() < 0.5:  # noqa: PLR2004
        del data["paidDate"]
    paid = interest = 0
    if 0.85 < fate < 1 - _WAIVED_SHARE:  # noqa: PLR2004
        paid = divide_half_up(due, 3)
    elif 0.78 < fate < 0.85:  # noqa: PLR2004
        interest = divide_half_up(due, 100)
    data["invoiceTotals"] = _totals(sums, discount, surcharge, paid=paid, interest=interest)


def _due(sums: Sums, discount: int, surcharge: int) -> int:
    written_off = sums.fees_written_off + sums.expenses_written_off
    return sums.fees + sums.expenses - written_off + sums.tax + surcharge - discount


def _totals(  # noqa: PLR0913
    sums: Sums, discount: int, surcharge: int, *, paid: int = 0, waived: int = 0, interest: int = 0
) -> Data:
    unpaid = _due(sums, discount, surcharge) - paid - waived
    billed = sums.fees + sums.expenses
    cents = {
        "paid": paid,
        "billed": billed,
        "unpaid": unpaid + interest,
        "unpaidExcInterest": unpaid,
        "writtenOff": sums.fees_written_off + sums.expenses_written_off,
        "waived": waived,
        "discount": discount,
        "total": billed + surcharge + sums.tax + interest,
        "tax": sums.tax,
        "interest": interest,
        "feeTotal": sums.fees,
        "writtenOffFeeTotal": sums.fees_written_off,
        "expenseTotal": sums.expenses,
        "writtenOffExpenseTotal": sums.expenses_written_off,
    }
    return {name: money(value) for name, value in cents.items()}


def _sums(entries: list[Row]) -> Sums:
    sums = [0, 0, 0, 0]
    tax = 0
    for row in entries:
        data = row.data
        is_expense = "expenseDate" in data
        if not data["isBillable"]:
            continue
        amount = _cents(data["amountExcTax" if is_expense else "billableAmountExcTax"])
        sums[2 * is_expense] += amount
        if data["isWrittenOff"]:
            sums[2 * is_expense + 1] += amount
        else:
            tax += _cents(data["tax" if is_expense else "billableTax"])
    return Sums(sums[0], sums[1], sums[2], sums[3], tax)


def _discount(rng: Random, data: Data, sums: Sums) -> int:
    """Choose a discount on fees not written off, never on expenses; return it in cents."""
    base = sums.fees - sums.fees_written_off
    chance = rng.random()
    if chance > 0.2 or base == 0:  # noqa: PLR2004
        return 0
    discount: Data = {"type": 0, "fixedDiscount": 0, "percentage": 0}
    if chance < 0.1:  # noqa: PLR2004
        amount = min(10_000, base)
        discount["fixedDiscount"] = money(amount)
    else:
        amount = divide_half_up(base * 10, 100)
        discount |= {"type": 1, "percentage": 10, "description": "Friend of the firm"}
    data["discount"] = discount
    return amount


def _surcharge(rng: Random, data: Data, sums: Sums) -> int:
    """Choose a surcharge on amounts not written off; return it in cents."""
    kind = rng.choices((0, _FIXED, _PERCENTAGE), (80, 8, 12))[0]
    if kind == 0:
        if rng.random() < 0.3:  # noqa: PLR2004
            data["surcharge"] = {"type": 0, "applyTo": 0}
        return 0
    apply_to = rng.choice((_FEES, _EXPENSES, _FEES | _EXPENSES))
    base = (sums.fees - sums.fees_written_off) * (apply_to & _FEES > 0)
    base += (sums.expenses - sums.expenses_written_off) * (apply_to & _EXPENSES > 0)
    surcharge: Data = {"type": kind, "applyTo": apply_to, "description": "Card payment"}
    if kind == _FIXED:
        surcharge["fixedSurcharge"] = 25
        amount = 2_500
    else:
        surcharge["percentage"] = 1.5
        amount = divide_half_up(base * 15, 1_000)
    data["surcharge"] = surcharge
    return amount


def _entry(row: Row) -> Data:
    type_ = _EXPENSE_ENTRY if "expenseDate" in row.data else row.data["feeType"]
    return {"id": row.id, "versionId": row.data["versionId"], "type": type_}


def _debtor(firm: Firm, rng: Random, contact: Contact) -> Data:
    return {"contact": firm.contact_link(rng, contact)}


def _cents(amount: float) -> int:
    return round(amount * 100)


INVOICES = Resource(
    name="invoices",
    path="/matters/{matterId}/invoices",
    scope="invoices/read",
    parent="matters",
    generate=generate,
    create=create,
    mark_updated=renew_version,
    mark_deleted=property_setter("status", DELETED),
    id_parameter="invoiceId",
    date_filters=(DateFilter("UpdatedSince", "ticks"), DateFilter("LastUpdated", "iso")),
)
