"""Billing: what was worked, and what it is worth."""

from __future__ import annotations

from tap_smokeball.api.response_parsers import OBJECT
from tap_smokeball.records.columns import (
    code,
    day,
    flag,
    link,
    links,
    many,
    moment,
    nested,
    number,
    text,
    whole,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.streams.matters import MattersStream
from tap_smokeball.sync.base_stream import EXTRACTED
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.list_reader import Since
from tap_smokeball.sync.top_level_stream import FirmWideStream

FEE_TYPES = {0: "Fixed", 1: "Time"}
ENTRY_TYPES = {0: "Fixed", 1: "Time", 2: "Expense", 3: "Surcharge"}
RATE_TYPES = {0: "UseDefaultStaffRate", 1: "OverrideRateForAllStaff", 2: "OverrideRatePerStaff"}
INVOICE_STATUSES = {0: "Draft", 1: "Final", 2: "Paid", 3: "Deleted", 4: "Void"}
DISCOUNT_TYPES = {0: "Fixed", 1: "Percentage"}
SURCHARGE_TYPES = {0: "None", 1: "Fixed", 2: "Percentage"}
SURCHARGE_TARGETS = {0: "None", 1: "Fees", 2: "Expenses", 3: "FeesAndExpenses"}
BILLING_TYPES = {
    0: "None",
    1: "FixedFee",
    2: "FixedFeePerAppearance",
    3: "TimeBased",
    4: "ContingencyDollars",
    5: "ContingencyPercent",
    6: "NotBillable",
    7: "ConditionalFeeAgreement",
}
TIMEKEEPER_TYPES = {0: "Length6", 1: "Length2", 2: "UseFirmDefault"}


class ActivityCodesStream(FirmWideStream):
    """Activity codes: templates with the rates and texts of fees and expenses."""

    name = "activity_codes"
    path = "/activitycodes"
    primary_keys = ("id",)
    replication_key = EXTRACTED
    scope = "activitycodes/read"
    since = Since("UpdatedSince", str)
    columns = Columns(
        text("id", "Id of the activity code"),
        text("href", "Address of the activity code in the API"),
        text("versionId", "Changes with every change of the activity code"),
        text("updatedByUserId", "Id of the user who last changed it"),
        *code("type", "What it makes", ENTRY_TYPES),
        text("description", "Text of the entries made from it"),
        text("code", "The code itself"),
        flag("isBillable", "Whether entries made from it can be billed"),
        *code("rateType", "Where the rate comes from", RATE_TYPES),
        number("rate", "Rate in dollars, if it overrides that of all staff"),
        number("quantity", "Default: units of an expense; minutes of time, divided by 100"),
        flag("taxInclusive", "Whether amounts include GST (AU)"),
        flag("taxExempt", "Whether entries are exempt from tax"),
        flag("taxZeroRated", "Whether entries are zero-rated for tax"),
        flag("taxOutOfScope", "Whether entries are out of scope for tax"),
        flag("isDeleted", "Whether the activity code is deleted"),
        number("inputTaxRate", "Input tax rate in percent"),
        number("outputTaxRate", "Output tax rate in percent"),
    )


class FeesStream(ChildStream):
    """Time and fixed-fee entries of a matter, billed or not, deleted ones included."""

    name = "fees"
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/fees"
    primary_keys = ("id",)
    replication_key = EXTRACTED
    scope = "fees/read"
    sensitive = "privileged"
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


class ExpensesStream(ChildStream):
    """Expenses of a matter, billed or not, deleted ones included."""

    name = "expenses"
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/expenses"
    primary_keys = ("id",)
    replication_key = EXTRACTED
    scope = "expenses/read"
    sensitive = "privileged"
    since = Since("UpdatedSince", str)
    columns = Columns(
        text("id", "Id of the expense"),
        text("href", "Address of the expense in the API"),
        text("versionId", "Changes with every change of the expense"),
        text("createdByUserId", "Id of the user who entered the expense"),
        link("staff", "Staff member whom the expense is put down to"),
        link("matter", "Matter of the expense"),
        link("invoice", "Invoice that bills the expense"),
        text("staffId", "Id of that staff member; given up by the API in favour of `staff`"),
        text("matterId", "Id of the matter that the expense was read below"),
        text("invoiceId", "Id of the invoice that bills the expense; null if not billed"),
        text("origin", "Where the expense comes from"),
        text("activityCode", "Activity code"),
        text("utbmsTaskCode", "UTBMS task code (US)"),
        text("subject", "What it was spent on, in short"),
        text("description", "What it was spent on, in detail"),
        day("expenseDate", "Day of the expense"),
        text("costType", "Hard (paid to others) or Soft (the firm's own overhead)"),
        number("quantity", "Quantity in units"),
        number("price", "Price of a unit in the firm's currency"),
        number("amount", "`price` times `quantity`; whether with tax, see `taxInclusive`"),
        number("amountExcTax", "Amount without tax"),
        number("amountIncTax", "Amount with tax"),
        number("tax", "GST in dollars (AU)"),
        number("outputTax", "Output tax (AU, UK)"),
        flag("taxInclusive", "Whether `amount` includes GST (AU)"),
        flag("taxZeroRated", "Whether it is zero-rated for tax"),
        flag("taxOutOfScope", "Whether it is out of scope for tax"),
        flag("taxExempt", "Whether it is exempt from tax"),
        flag("finalized", "Whether the expense is final"),
        flag("isWrittenOff", "Whether it is written off: shown on the invoice, not counted"),
        flag("isBillable", "Whether it can be billed"),
        flag("isInvoicedExternally", "Whether it is billed outside of Smokeball"),
        flag("isDeleted", "Whether the expense is deleted"),
    )


class InvoicesStream(ChildStream):
    """Invoices of a matter with their totals, in any status."""

    name = "invoices"
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/invoices"
    primary_keys = ("id",)
    replication_key = EXTRACTED
    scope = "invoices/read"
    sensitive = "privileged"
    since = Since("UpdatedSince", str)
    columns = Columns(
        text("id", "Id of the invoice"),
        text("href", "Address of the invoice in the API"),
        text("versionId", "Changes with every change of the invoice"),
        link("matter", "Matter of the invoice"),
        text("matterId", "Id of the matter that the invoice was read below"),
        text("lastUpdatedByUserId", "Id of the user who last changed the invoice"),
        text("description", "What the invoice is for"),
        *code("status", "Status of the invoice", INVOICE_STATUSES),
        whole("invoiceNumber", "Invoice number"),
        text("invoiceTitle", "Title"),
        text("invoiceTitleLine2", "Second line of the title"),
        moment("issuedDate", "When the invoice was issued"),
        moment("dueDate", "When the invoice is due"),
        moment("paidDate", "When the invoice was paid in full; null if it is not"),
        nested(
            "discount",
            "Discount that was set; what it comes to is in `invoiceTotals`",
            *code("type", "Kind of discount", DISCOUNT_TYPES),
            number("fixedDiscount", "Amount taken off, if fixed"),
            number("percentage", "Percentage taken off, 0 to 100"),
            text("description", "Reason for the discount"),
        ),
        nested(
            "surcharge",
            "Surcharge that was set",
            *code("type", "Kind of surcharge", SURCHARGE_TYPES),
            number("fixedSurcharge", "Amount put on, if fixed"),
            number("percentage", "Percentage put on"),
            text("description", "Reason for the surcharge"),
            *code("applyTo", "What it is put on", SURCHARGE_TARGETS),
        ),
        many("debtors", "Who owes the invoice", link("contact", "Contact who owes it")),
        many(
            "entries",
            "Fees and expenses on the invoice",
            text("id", "Id of the fee or expense"),
            text("versionId", "Version of the fee or expense that is billed"),
            *code("type", "Kind of entry", ENTRY_TYPES),
        ),
        flag("waived", "Whether the invoice is waived"),
        nested(
            "invoiceTotals",
            "What the invoice comes to, in the firm's currency",
            number("paid", "Paid so far"),
            number("billed", "Billed without tax and interest, before discounts and write-offs"),
            number("unpaid", "Still due, with tax and interest"),
            number("unpaidExcInterest", "Still due without interest"),
            number("writtenOff", "Written off"),
            number("waived", "Waived"),
            number("discount", "Discounts"),
            number("total", "Total with tax and interest, before payments and write-offs"),
            number("tax", "Tax"),
            number("interest", "Interest charged so far"),
            number("feeTotal", "All fees, written off or not"),
            number("writtenOffFeeTotal", "Fees written off"),
            number("expenseTotal", "All expenses, written off or not"),
            number("writtenOffExpenseTotal", "Expenses written off"),
        ),
    )


class BillingConfigurationsStream(ChildStream):
    """How a matter is billed: basis, amounts, debtors, LEDES ids."""

    name = "billing_configurations"
    selected_by_default = False
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/billingconfiguration"
    primary_keys = ("matterId",)
    scope = "billingconfiguration/read"
    sensitive = "privileged"
    shape = OBJECT
    columns = Columns(
        text("id", "Id of the billing configuration"),
        text("href", "Address of the billing configuration in the API"),
        text("versionId", "Changes with every change of the billing configuration"),
        *code("billingType", "Basis of billing", BILLING_TYPES),
        number("amount", "Amount in the firm's currency, for fixed and time-based billing"),
        number("disbursementAmount", "Amount for disbursements (AU, UK)"),
        number("contingencyAmount", "Contingency in percent"),
        links("debtors", "Contacts who are billed"),
        text("rateSetId", "Id of the rate set (AU, UK)"),
        flag("isUtbmsEnabled", "Whether UTBMS codes are used (US)"),
        text("ledesFirmId", "Id of the firm in LEDES files (US)"),
        text("ledesMatterId", "Id of the matter in LEDES files (US)"),
        text("ledesClientMatterId", "Id of the client's matter in LEDES files (US)"),
        *code(
            "ledesTimekeeperClassificationType",
            "Timekeeper classification in LEDES files (US)",
            TIMEKEEPER_TYPES,
        ),
    )


STREAMS = (
    ActivityCodesStream,
    FeesStream,
    ExpensesStream,
    InvoicesStream,
    BillingConfigurationsStream,
)
