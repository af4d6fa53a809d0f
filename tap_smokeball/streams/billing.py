"""Billing: what was worked, and what it is worth."""

from __future__ import annotations

from tap_smokeball.api.response_parsers import OBJECT
from tap_smokeball.records.columns import (
    boolean,
    date,
    date_time,
    decimal,
    enumeration,
    integer,
    link,
    links,
    nested_object,
    object_list,
    string,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.streams.matters import MattersStream
from tap_smokeball.sync.base_stream import EXTRACTED_TICKS
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.list_reader import UpdatedSinceFilter
from tap_smokeball.sync.top_level_stream import TopLevelStream

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


class ActivityCodesStream(TopLevelStream):
    """Activity codes: templates with the rates and texts of fees and expenses."""

    name = "activity_codes"
    path = "/activitycodes"
    primary_keys = ("id",)
    replication_key = EXTRACTED_TICKS
    scope = "activitycodes/read"
    updated_since_filter = UpdatedSinceFilter("UpdatedSince", str)
    columns = Columns(
        string("id", "Id of the activity code"),
        string("href", "Address of the activity code in the API"),
        string("versionId", "Changes with every change of the activity code"),
        string("updatedByUserId", "Id of the user who last changed it"),
        *enumeration("type", "What it makes", ENTRY_TYPES),
        string("description", "Text of the entries made from it"),
        string("code", "The code itself"),
        boolean("isBillable", "Whether entries made from it can be billed"),
        *enumeration("rateType", "Where the rate comes from", RATE_TYPES),
        decimal("rate", "Rate in dollars, if it overrides that of all staff"),
        decimal("quantity", "Default: units of an expense; minutes of time, divided by 100"),
        boolean("taxInclusive", "Whether amounts include GST (AU)"),
        boolean("taxExempt", "Whether entries are exempt from tax"),
        boolean("taxZeroRated", "Whether entries are zero-rated for tax"),
        boolean("taxOutOfScope", "Whether entries are out of scope for tax"),
        boolean("isDeleted", "Whether the activity code is deleted"),
        decimal("inputTaxRate", "Input tax rate in percent"),
        decimal("outputTaxRate", "Output tax rate in percent"),
    )


class FeesStream(ChildStream):
    """Time and fixed-fee entries of a matter, billed or not, deleted ones included."""

    name = "fees"
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/fees"
    primary_keys = ("id",)
    replication_key = EXTRACTED_TICKS
    scope = "fees/read"
    sensitivity = "privileged"
    updated_since_filter = UpdatedSinceFilter("UpdatedSince", str)
    columns = Columns(
        string("id", "Id of the fee"),
        string("href", "Address of the fee in the API"),
        string("versionId", "Changes with every change of the fee"),
        string("matterId", "Id of the matter that the fee was read below"),
        link("matter", "Matter of the fee"),
        link("staff", "Staff member who did the work"),
        string("staffId", "Id of that staff member; given up by the API in favour of `staff`"),
        string("createdByUserId", "Id of the user who entered the fee"),
        date_time("createdDate", "When the fee was entered; the API has it since April 2026"),
        string("lastUpdatedByUserId", "Id of the user who last changed the fee"),
        string("invoiceId", "Id of the invoice that bills the fee; null if not billed"),
        string("activityCode", "Activity code"),
        string("utbmsTaskCode", "UTBMS task code (US)"),
        string("subject", "What was done, in short"),
        string("description", "What was done, in detail"),
        date("feeDate", "Day of the work"),
        *enumeration("feeType", "Kind of fee", FEE_TYPES),
        boolean("finalized", "Whether the fee is final"),
        boolean("isInvoicedExternally", "Whether it is billed outside of Smokeball"),
        boolean("isWrittenOff", "Whether it is written off: shown on the invoice, not counted"),
        boolean("isBillable", "Whether it can be billed"),
        decimal("tax", "GST in dollars (AU)"),
        boolean("taxInclusive", "Whether `amount` includes GST (AU)"),
        boolean("taxExempt", "Whether it is exempt from tax, so that `tax` is 0"),
        boolean("taxOutOfScope", "Whether it is out of scope for tax, so that `tax` is 0"),
        integer("duration", "Time billed, in minutes"),
        integer("durationWorked", "Time worked, in minutes"),
        decimal("rate", "Rate an hour, or the fixed fee, in the firm's currency"),
        decimal("amount", "Amount in the firm's currency; whether with tax, see `taxInclusive`"),
        decimal("amountExcTax", "Amount without tax"),
        decimal("amountIncTax", "Amount with tax"),
        decimal("billableAmountExcTax", "Part of `amountExcTax` that can be billed"),
        decimal("billableTax", "Part of `tax` that can be billed"),
        boolean("isDeleted", "Whether the fee is deleted"),
        object_list(
            "sourceItems",
            "Entries that the fee was put together from",
            string("id", "Id of the entry"),
            string("href", "Address of the entry in the API"),
            string("description", "What was done"),
            integer("duration", "Time in minutes"),
            boolean("isBillable", "Whether it can be billed"),
        ),
        string("createdFromActivityId", "Id of the activity code that the fee was made from"),
    )


class ExpensesStream(ChildStream):
    """Expenses of a matter, billed or not, deleted ones included."""

    name = "expenses"
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/expenses"
    primary_keys = ("id",)
    replication_key = EXTRACTED_TICKS
    scope = "expenses/read"
    sensitivity = "privileged"
    updated_since_filter = UpdatedSinceFilter("UpdatedSince", str)
    columns = Columns(
        string("id", "Id of the expense"),
        string("href", "Address of the expense in the API"),
        string("versionId", "Changes with every change of the expense"),
        string("createdByUserId", "Id of the user who entered the expense"),
        link("staff", "Staff member whom the expense is put down to"),
        link("matter", "Matter of the expense"),
        link("invoice", "Invoice that bills the expense"),
        string("staffId", "Id of that staff member; given up by the API in favour of `staff`"),
        string("matterId", "Id of the matter that the expense was read below"),
        string("invoiceId", "Id of the invoice that bills the expense; null if not billed"),
        string("origin", "Where the expense comes from"),
        string("activityCode", "Activity code"),
        string("utbmsTaskCode", "UTBMS task code (US)"),
        string("subject", "What it was spent on, in short"),
        string("description", "What it was spent on, in detail"),
        date("expenseDate", "Day of the expense"),
        string("costType", "Hard (paid to others) or Soft (the firm's own overhead)"),
        decimal("quantity", "Quantity in units"),
        decimal("price", "Price of a unit in the firm's currency"),
        decimal("amount", "`price` times `quantity`; whether with tax, see `taxInclusive`"),
        decimal("amountExcTax", "Amount without tax"),
        decimal("amountIncTax", "Amount with tax"),
        decimal("tax", "GST in dollars (AU)"),
        decimal("outputTax", "Output tax (AU, UK)"),
        boolean("taxInclusive", "Whether `amount` includes GST (AU)"),
        boolean("taxZeroRated", "Whether it is zero-rated for tax"),
        boolean("taxOutOfScope", "Whether it is out of scope for tax"),
        boolean("taxExempt", "Whether it is exempt from tax"),
        boolean("finalized", "Whether the expense is final"),
        boolean("isWrittenOff", "Whether it is written off: shown on the invoice, not counted"),
        boolean("isBillable", "Whether it can be billed"),
        boolean("isInvoicedExternally", "Whether it is billed outside of Smokeball"),
        boolean("isDeleted", "Whether the expense is deleted"),
    )


class InvoicesStream(ChildStream):
    """Invoices of a matter with their totals, in any status."""

    name = "invoices"
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/invoices"
    primary_keys = ("id",)
    replication_key = EXTRACTED_TICKS
    scope = "invoices/read"
    sensitivity = "privileged"
    updated_since_filter = UpdatedSinceFilter("UpdatedSince", str)
    columns = Columns(
        string("id", "Id of the invoice"),
        string("href", "Address of the invoice in the API"),
        string("versionId", "Changes with every change of the invoice"),
        link("matter", "Matter of the invoice"),
        string("matterId", "Id of the matter that the invoice was read below"),
        string("lastUpdatedByUserId", "Id of the user who last changed the invoice"),
        string("description", "What the invoice is for"),
        *enumeration("status", "Status of the invoice", INVOICE_STATUSES),
        integer("invoiceNumber", "Invoice number"),
        string("invoiceTitle", "Title"),
        string("invoiceTitleLine2", "Second line of the title"),
        date_time("issuedDate", "When the invoice was issued"),
        date_time("dueDate", "When the invoice is due"),
        date_time("paidDate", "When the invoice was paid in full; null if it is not"),
        nested_object(
            "discount",
            "Discount that was set; what it comes to is in `invoiceTotals`",
            *enumeration("type", "Kind of discount", DISCOUNT_TYPES),
            decimal("fixedDiscount", "Amount taken off, if fixed"),
            decimal("percentage", "Percentage taken off, 0 to 100"),
            string("description", "Reason for the discount"),
        ),
        nested_object(
            "surcharge",
            "Surcharge that was set",
            *enumeration("type", "Kind of surcharge", SURCHARGE_TYPES),
            decimal("fixedSurcharge", "Amount put on, if fixed"),
            decimal("percentage", "Percentage put on"),
            string("description", "Reason for the surcharge"),
            *enumeration("applyTo", "What it is put on", SURCHARGE_TARGETS),
        ),
        object_list("debtors", "Who owes the invoice", link("contact", "Contact who owes it")),
        object_list(
            "entries",
            "Fees and expenses on the invoice",
            string("id", "Id of the fee or expense"),
            string("versionId", "Version of the fee or expense that is billed"),
            *enumeration("type", "Kind of entry", ENTRY_TYPES),
        ),
        boolean("waived", "Whether the invoice is waived"),
        nested_object(
            "invoiceTotals",
            "What the invoice comes to, in the firm's currency",
            decimal("paid", "Paid so far"),
            decimal("billed", "Billed without tax and interest, before discounts and write-offs"),
            decimal("unpaid", "Still due, with tax and interest"),
            decimal("unpaidExcInterest", "Still due without interest"),
            decimal("writtenOff", "Written off"),
            decimal("waived", "Waived"),
            decimal("discount", "Discounts"),
            decimal("total", "Total with tax and interest, before payments and write-offs"),
            decimal("tax", "Tax"),
            decimal("interest", "Interest charged so far"),
            decimal("feeTotal", "All fees, written off or not"),
            decimal("writtenOffFeeTotal", "Fees written off"),
            decimal("expenseTotal", "All expenses, written off or not"),
            decimal("writtenOffExpenseTotal", "Expenses written off"),
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
    sensitivity = "privileged"
    response_format = OBJECT
    columns = Columns(
        string("id", "Id of the billing configuration"),
        string("href", "Address of the billing configuration in the API"),
        string("versionId", "Changes with every change of the billing configuration"),
        *enumeration("billingType", "Basis of billing", BILLING_TYPES),
        decimal("amount", "Amount in the firm's currency, for fixed and time-based billing"),
        decimal("disbursementAmount", "Amount for disbursements (AU, UK)"),
        decimal("contingencyAmount", "Contingency in percent"),
        links("debtors", "Contacts who are billed"),
        string("rateSetId", "Id of the rate set (AU, UK)"),
        boolean("isUtbmsEnabled", "Whether UTBMS codes are used (US)"),
        string("ledesFirmId", "Id of the firm in LEDES files (US)"),
        string("ledesMatterId", "Id of the matter in LEDES files (US)"),
        string("ledesClientMatterId", "Id of the client's matter in LEDES files (US)"),
        *enumeration(
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
