"""Expenses of a matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.billing import (
    draft_among,
    invoice_ids,
    is_shown_unbilled,
    tax_of,
    write_off_id,
)
from smokeball_sandbox.areas.common import (
    matter_link,
    parent_id,
    property_setter,
    random_count,
    renew_version,
    ticks_during,
    ticks_soon_after,
)
from smokeball_sandbox.areas.matters import matter_plan
from smokeball_sandbox.clock import iso_date
from smokeball_sandbox.resources import CreateRequest, Data, DateFilter, Resource, Row
from smokeball_sandbox.value_helpers import guid, link, money, record_header

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.areas.matters import MatterPlan
    from smokeball_sandbox.firm import Firm

_MEAN = 2.0
_MEAN_PER_LEAD = 0.1
_INVOICED = 0.6


def generate(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the expenses of a matter row."""
    plan = matter_plan(parent)
    return [] if plan is None else expenses_of(firm, plan)


def expenses_of(firm: Firm, plan: MatterPlan) -> list[Row]:
    """Generate the expenses of a matter, many of them on its invoices."""
    rng = firm.rng("expenses", plan.id)
    invoices = invoice_ids(firm, plan)
    draft = draft_among(firm, plan, invoices)
    shown = firm.rng("non-billable expenses", plan.id)
    rows = []
    count = random_count(rng, _MEAN_PER_LEAD if plan.is_lead else _MEAN)
    for _ in range(0 if plan.is_template else count):
        ticks = ticks_during(rng, plan)
        row = _expense(firm, rng, plan.id, ticks)
        data = row.data
        if data["isBillable"] and not data["isDeleted"] and rng.random() < _INVOICED:
            _place(firm, rng, row, rng.choice(invoices))
        elif is_shown_unbilled(shown, data):
            _place(firm, shown, row, shown.choice(invoices))
        elif data["isDeleted"]:
            data["isWrittenOff"] = False
        elif data["isWrittenOff"]:
            _place(firm, shown, row, write_off_id(firm, plan))
        data["finalized"] = data.get("invoiceId", draft) != draft
        row.updated = ticks_soon_after(firm, rng, ticks)
        rows.append(row)
    return rows


def _place(firm: Firm, rng: Random, row: Row, invoice_id: str) -> None:
    """Put an expense on an invoice."""
    href = f"{firm.url}/matters/{row.parent}/invoices/{invoice_id}"
    row.data |= {"invoiceId": invoice_id, "invoice": link(rng, invoice_id, href, "Invoices")}


def create(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create an expense, dated now."""
    row = _expense(firm, rng, parent_id(request), request.now)
    row.data["isWrittenOff"] = False  # it is on no invoice
    return row


def _expense(firm: Firm, rng: Random, matter_id: str, ticks: int) -> Row:
    code, subject, price, cost_type, task = rng.choice(sample_text.EXPENSE_WORK)
    staff = rng.choice(firm.staff)
    id_ = guid(rng)
    billable = rng.random() < 0.94  # noqa: PLR2004
    data: Data = {
        **record_header(id_, f"{firm.url}/matters/{matter_id}/expenses/{id_}", "Expenses"),
        "versionId": guid(rng),
        "createdByUserId": staff.user_id,
        "staff": firm.staff_link(rng, staff),
        "matter": matter_link(firm, rng, matter_id),
        "activityCode": code,
        "subject": subject,
        "expenseDate": iso_date(ticks),
        "costType": cost_type,
        "finalized": False,
        "isWrittenOff": billable and rng.random() < 0.05,  # noqa: PLR2004
        "isBillable": billable,
        "isInvoicedExternally": False,
        "isDeleted": rng.random() < 0.03,  # noqa: PLR2004
    }
    _price(firm, rng, data, price)
    chances = [rng.random() for _ in range(4)]
    if chances[0] < 0.5:  # noqa: PLR2004
        data["description"] = f"{subject} as agreed\r\nReceipt on file"
    if chances[1] < 0.3:  # noqa: PLR2004
        data["origin"] = "Api"
    if firm.region == "us" and chances[2] < 0.4:  # noqa: PLR2004
        data["utbmsTaskCode"] = task
    if chances[3] < 0.3:  # noqa: PLR2004
        data |= {"matterId": matter_id, "staffId": staff.id}
    return Row(data, ticks, matter_id)


def _price(firm: Firm, rng: Random, data: Data, price: int) -> None:
    """Write the amounts of an expense, computed in cents."""
    quantity = rng.choice((1, 1, 2, 3, 12, 40)) if price < 10_000 else 1  # noqa: PLR2004
    amount = price * quantity
    tax, inclusive, exempt = tax_of(firm, rng, amount)
    special = rng.random()
    zero_rated, out_of_scope = special < 0.04, 0.04 <= special < 0.08  # noqa: PLR2004
    if zero_rated or out_of_scope:
        tax, exempt = 0, False
    without_tax = amount - tax if inclusive else amount
    data |= {
        "quantity": quantity,
        "price": money(price),
        "amount": money(amount),
        "amountExcTax": money(without_tax),
        "amountIncTax": money(without_tax + tax),
        "tax": money(tax),
        "taxInclusive": inclusive,
        "taxZeroRated": zero_rated,
        "taxOutOfScope": out_of_scope,
        "taxExempt": exempt,
    }
    if firm.region != "us":
        data["outputTax"] = money(tax)


EXPENSES = Resource(
    name="expenses",
    path="/matters/{matterId}/expenses",
    scope="expenses/read",
    parent="matters",
    generate=generate,
    create=create,
    mark_updated=renew_version,
    mark_deleted=property_setter("isDeleted"),
    date_filters=(DateFilter("UpdatedSince", "ticks"),),
)
