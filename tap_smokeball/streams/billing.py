"""Billing: what was worked, and what it is worth."""

from __future__ import annotations

from tap_smokeball.client import EXTRACTED, Since
from tap_smokeball.fields import (
    code,
    day,
    flag,
    link,
    many,
    moment,
    number,
    text,
    whole,
)
from tap_smokeball.parents import ChildStream
from tap_smokeball.records import Columns
from tap_smokeball.streams.matters import MattersStream

FEE_TYPES = {0: "Fixed", 1: "Time"}


class FeesStream(ChildStream):
    """Time and fixed-fee entries of a matter, billed or not, deleted ones included."""

    name = "fees"
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/fees"
    primary_keys = ("id",)
    replication_key = EXTRACTED
    scope = "fees/read"
    since = Since("UpdatedSince", str)
    columns = Columns(
        text("id", "Id of the fee"),
        text("href", "Address of the fee in the API"),
        text("versionId", "Changes with every change of the fee"),
        text("matterId", "Id of the matter that the fee was read below"),
        link("matter", "Matter of the fee"),
        link("staff", "Staff member who did the work"),
        text("staffId", "Id of that staff member; given up by the API in favour of `staff`"),
        text("createdByUserId", "Id of the user who entered the fee"),
        moment("createdDate", "When the fee was entered; the API has it since April 2026"),
        text("lastUpdatedByUserId", "Id of the user who last changed the fee"),
        text("invoiceId", "Id of the invoice that bills the fee; null if not billed"),
        text("activityCode", "Activity code"),
        text("utbmsTaskCode", "UTBMS task code (US)"),
        text("subject", "What was done, in short"),
        text("description", "What was done, in detail"),
        day("feeDate", "Day of the work"),
        *code("feeType", "Kind of fee", FEE_TYPES),
        flag("finalized", "Whether the fee is final"),
        flag("isInvoicedExternally", "Whether it is billed outside of Smokeball"),
        flag("isWrittenOff", "Whether it is written off: shown on the invoice, not counted"),
        flag("isBillable", "Whether it can be billed"),
        number("tax", "GST in dollars (AU)"),
        flag("taxInclusive", "Whether `amount` includes GST (AU)"),
        flag("taxExempt", "Whether it is exempt from tax, so that `tax` is 0"),
        flag("taxOutOfScope", "Whether it is out of scope for tax, so that `tax` is 0"),
        whole("duration", "Time billed, in minutes"),
        whole("durationWorked", "Time worked, in minutes"),
        number("rate", "Rate an hour, or the fixed fee, in the firm's currency"),
        number("amount", "Amount in the firm's currency; whether with tax, see `taxInclusive`"),
        number("amountExcTax", "Amount without tax"),
        number("amountIncTax", "Amount with tax"),
        number("billableAmountExcTax", "Part of `amountExcTax` that can be billed"),
        number("billableTax", "Part of `tax` that can be billed"),
        flag("isDeleted", "Whether the fee is deleted"),
        many(
            "sourceItems",
            "Entries that the fee was put together from",
            text("id", "Id of the entry"),
            text("href", "Address of the entry in the API"),
            text("description", "What was done"),
            whole("duration", "Time in minutes"),
            flag("isBillable", "Whether it can be billed"),
        ),
        text("createdFromActivityId", "Id of the activity code that the fee was made from"),
    )


STREAMS = (FeesStream,)
