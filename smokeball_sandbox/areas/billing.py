"""Fees: the time entries of a matter."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.activities import activity_ids
from smokeball_sandbox.areas.matters import matter_plan
from smokeball_sandbox.clock import (
    TICKS_PER_DAY,
    TICKS_PER_SECOND,
    UNSET_DATE,
    iso,
    iso_date,
    to_ticks,
)
from smokeball_sandbox.resources import CreateRequest, Data, DateFilter, Resource, Row
from smokeball_sandbox.value_helpers import divide_half_up, guid, link, money

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.areas.matters import MatterPlan
    from smokeball_sandbox.firm import Firm, Person

_MEAN_FEES = 8
_MEAN_FEES_PER_LEAD = 1
_CREATED_DATES_SINCE = to_ticks(date(2026, 4, 1))
_UNITS = (6, 6, 6, 12, 12, 18, 24, 30, 36, 48, 60, 90, 120, 240, 25, 50)
_FIXED_PRICES = (9_900, 25_000, 45_050, 120_000, 123_456)
_INVOICED = 0.75
_INVOICED_WHEN_CLOSED = 0.9
_NON_BILLABLE_SHOWN = 0.5
_DRAFT_EVERY = 3


def generate(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the fees of one matter."""
    plan = matter_plan(parent)
    return [] if plan is None else fees_of(firm, plan)


def invoice_ids(firm: Firm, plan: MatterPlan) -> list[str]:
    """Return the ids of the invoices that may contain a matter's fees and expenses."""
    return _fee_seed(firm, plan)[2]


def write_off_id(firm: Firm, plan: MatterPlan) -> str:
    """Return the id of the zero-dollar invoice that writes off a matter's unbilled work.

    Smokeball writes off on invoices alone.
    """
    return guid(firm.rng("write-off", plan.id))


def is_shown_unbilled(rng: Random, data: Data) -> bool:
    """Choose whether a non-billable entry is marked so on an invoice, which then shows it."""
    return not (data["isBillable"] or data["isDeleted"]) and rng.random() < _NON_BILLABLE_SHOWN


def draft_among(firm: Firm, plan: MatterPlan, invoices: list[str]) -> str | None:
    """Return the draft invoice: only the last one of an open matter can be a draft."""
    if is_closed(firm, plan) or plan.is_lead or plan.ordinal % _DRAFT_EVERY:
        return None
    return invoices[-1]


def is_closed(firm: Firm, plan: MatterPlan) -> bool:
    """Return whether the work on a matter ended before the firm's data does."""
    return plan.closed < firm.anchor_ticks - TICKS_PER_DAY


def _fee_seed(firm: Firm, plan: MatterPlan) -> tuple[Random, int, list[str]]:
    rng = firm.rng("fees", plan.id)
    mean = _MEAN_FEES_PER_LEAD if plan.is_lead else _MEAN_FEES
    count = firm.fee_count(rng, mean)
    if plan.is_template and not firm.exact_fees:
        count = 0  # nobody works for a template
    return rng, count, [guid(rng) for _ in range(1 + count // 10)]


def fees_of(firm: Firm, plan: MatterPlan) -> list[Row]:
    """Generate the fees of one matter, the older ones on its invoices."""
    rng, count, invoices = _fee_seed(firm, plan)
    draft = draft_among(firm, plan, invoices)
    invoiced = _INVOICED_WHEN_CLOSED if is_closed(firm, plan) else _INVOICED
    latest = firm.anchor_ticks - TICKS_PER_DAY
    shown = firm.rng("non-billable fees", plan.id)
    rows = []
    for _ in range(count):
        share = rng.random()
        ticks = plan.opened + int(share * (plan.closed - plan.opened))
        row = _fee(firm, rng, plan.id, ticks, plan)
        data = row.data
        is_billed = data["isBillable"] and not data["isDeleted"]
        if share < invoiced and (is_billed or is_shown_unbilled(shown, data)):
            data["invoiceId"] = invoices[int(share / invoiced * len(invoices))]
            data["finalized"] = data["invoiceId"] != draft
        elif data["isDeleted"]:
            data["isWrittenOff"] = False
        elif data["isWrittenOff"]:
            data |= {"invoiceId": write_off_id(firm, plan), "finalized": True}
        later = ticks + int(rng.random() * 30) * TICKS_PER_DAY + rng.randrange(TICKS_PER_DAY)
        row.updated = min(later, latest)
        rows.append(row)
    return rows


def create(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a fee, dated now."""
    matter = request.parent
    if matter is None:
        raise ValueError("A fee needs a matter.")
    row = _fee(firm, rng, matter.id, request.now, matter_plan(matter))
    row.data["isWrittenOff"] = False  # it is on no invoice
    return row


def mark_updated(row: Row, rng: Random) -> None:
    """Renew the version; a fee has no updated-at field."""
    row.data["versionId"] = guid(rng)


def mark_deleted(data: Data) -> None:
    """Set the flag of deleted fees, which stay in the list."""
    data["isDeleted"] = True


def _fee(firm: Firm, rng: Random, matter_id: str, ticks: int, plan: MatterPlan | None) -> Row:
    staff = rng.choice(firm.staff)
    if plan is not None and rng.random() < 0.6:  # noqa: PLR2004
        staff = plan.responsible
    code, subject, text = rng.choice(sample_text.FEE_WORK)
    id_ = guid(rng)
    matter_href = f"{firm.url}/matters/{matter_id}"
    href = f"{matter_href}/fees/{id_}"
    data: Data = {
        "id": id_,
        "href": href,
        "rel": "Fees",
        "self": {"id": id_, "href": href},
        "versionId": guid(rng),
        "matter": link(rng, matter_id, matter_href, "Matters"),
        "staff": firm.staff_link(rng, staff),
        "createdByUserId": staff.user_id,
        "createdDate": UNSET_DATE,
        "lastUpdatedByUserId": staff.user_id,
        "activityCode": code,
        "subject": subject,
        "feeDate": iso_date(ticks),
        "finalized": False,
        "isInvoicedExternally": False,
        "isDeleted": rng.random() < 0.02,  # noqa: PLR2004
    }
    if ticks >= _CREATED_DATES_SINCE:
        data["createdDate"] = iso(ticks, fraction=ticks // TICKS_PER_SECOND % 10 == 0)
    chances = [rng.random() for _ in range(4)]
    if chances[0] < 0.7:  # noqa: PLR2004
        client = "the client" if plan is None else plan.client.full_name
        other = "the other side" if plan is None else plan.other.full_name
        data["description"] = text.format(client=client, other=other)
    if firm.region == "us" and chances[1] < 0.3:  # noqa: PLR2004
        data["utbmsTaskCode"] = rng.choice(sample_text.UTBMS_TASKS)
    if chances[2] < 0.3:  # noqa: PLR2004
        data["matterId"] = matter_id
        data["staffId"] = staff.id
    if chances[3] < 0.2:  # noqa: PLR2004
        data["createdFromActivityId"] = activity_ids(firm)[code]
    _price(firm, rng, data, staff)
    return Row(data, ticks, matter_id)


def _price(firm: Firm, rng: Random, data: Data, staff: Person) -> None:
    """Write the amounts of a fee, computed in cents."""
    fixed, billable, written_off, parts = (
        rng.random() < share for share in (0.12, 0.92, 0.04, 0.12)
    )
    minutes = rng.choice(_UNITS)
    rate = rng.choice(_FIXED_PRICES) if fixed else staff.rate
    amount = rate if fixed else divide_half_up(rate * minutes, 60)
    tax, inclusive, exempt = tax_of(firm, rng, amount)
    without_tax = amount - tax if inclusive else amount
    billable_amount, billable_tax = (without_tax, tax) if billable else (0, 0)
    if parts and billable and not fixed and minutes > 6:  # noqa: PLR2004
        data["sourceItems"] = [
            {"description": data["subject"], "duration": minutes - 6, "isBillable": True},
            {"description": "Travel", "duration": 6, "isBillable": False},
        ]
        billable_amount = divide_half_up(without_tax * (minutes - 6), minutes)
        billable_tax = divide_half_up(tax * (minutes - 6), minutes)
    data |= {
        "feeType": 0 if fixed else 1,
        "isWrittenOff": billable and written_off,
        "isBillable": billable,
        "tax": money(tax),
        "taxInclusive": inclusive,
        "taxExempt": exempt,
        "taxOutOfScope": False,
        "duration": minutes,
        "rate": money(rate),
        "amount": money(amount),
        "amountExcTax": money(without_tax),
        "amountIncTax": money(without_tax + tax),
        "billableAmountExcTax": money(billable_amount),
        "billableTax": money(billable_tax),
    }
    if rng.random() < 0.8:  # noqa: PLR2004
        data["durationWorked"] = max(1, minutes - rng.randrange(0, 6))


def tax_of(firm: Firm, rng: Random, amount: int) -> tuple[int, bool, bool]:
    """Return GST in cents, whether the amount includes it, and whether it is exempt."""
    if firm.region != "au":
        return 0, False, False
    inclusive, exempt = rng.random() < 0.3, rng.random() < 0.1  # noqa: PLR2004
    if exempt:
        return 0, inclusive, True
    return divide_half_up(amount, 11) if inclusive else divide_half_up(amount, 10), inclusive, False


FEES = Resource(
    name="fees",
    path="/matters/{matterId}/fees",
    scope="fees/read",
    parent="matters",
    generate=generate,
    create=create,
    mark_updated=mark_updated,
    mark_deleted=mark_deleted,
    date_filters=(DateFilter("UpdatedSince", "ticks"),),
)
