"""Streams of activity codes, fees, expenses, invoices and billing setups."""

from __future__ import annotations

from tap_smokeball.api.filters import UPDATED_SINCE_TICKS
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
from tap_smokeball.streams.matters import MatterChildStream
from tap_smokeball.sync.base_stream import EXTRACTED_TICKS
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
    """Activity codes: templates with rates and texts for fees and expenses."""

    name = "activity_codes"
    path = "/activitycodes"
    primary_keys = ("id",)
    replication_key = EXTRACTED_TICKS
    scope = "activitycodes/read"
    updated_since_filter = UPDATED_SINCE_TICKS
    event_types = ("activitycode.created", "activitycode.updated", "activitycode.deleted")
    columns = (
        string("id", "ID of the activity code"),
        string("href", "URL of the activity code in the API"),
        string("versionId", "Version ID; changes with every update of the activity code"),
        string("updatedByUserId", "ID of the user who last updated the activity code"),
        *enumeration("type", "Entry type", ENTRY_TYPES),
        string("description", "Description of entries created from the activity code"),
        string("code", "Code"),
        boolean("isBillable", "Whether entries created from the activity code are billable"),
        *enumeration("rateType", "Rate type", RATE_TYPES),
        decimal("rate", "Rate in the firm's currency, if it overrides all staff rates"),
        decimal("quantity", "Default quantity: expense units, or minutes of time divided by 100"),
        boolean("taxInclusive", "Whether amounts include GST (AU)"),
        boolean("taxExempt", "Whether entries are tax-exempt"),
        boolean("taxZeroRated", "Whether entries are zero-rated for tax"),
        boolean("taxOutOfScope", "Whether entries are out of scope for tax"),
        boolean("isDeleted", "Whether the activity code is deleted"),
        decimal("inputTaxRate", "Input tax rate in percent"),
        decimal("outputTaxRate", "Output tax rate in percent"),
    )


class FeesStream(MatterChildStream):
    """Time and fixed-fee entries of a matter, including deleted ones."""

    name = "fees"
    path = "/matters/{matterId}/fees"
    primary_keys = ("id",)
    replication_key = EXTRACTED_TICKS
    scope = "fees/read"
    sensitivity = "privileged"
    updated_since_filter = UPDATED_SINCE_TICKS
    event_types = ("fee.created", "fee.updated", "fee.deleted")
    columns = (
        string("id", "ID of the fee"),
        string("href", "URL of the fee in the API"),
        string("versionId", "Version ID; changes with every update of the fee"),
        string("matterId", "ID of the parent matter"),
        link("matter", "Matter of the fee"),
        link("staff", "Staff member who did the work"),
        string("staffId", "ID of the staff member (deprecated: use `staff`)"),
        string("createdByUserId", "ID of the user who created the fee"),
        date_time("createdDate", "Creation date and time; in the API since April 2026"),
        string("lastUpdatedByUserId", "ID of the user who last updated the fee"),
        string("invoiceId", "ID of the invoice that bills the fee; null if not invoiced"),
        string("activityCode", "Activity code"),
        string("utbmsTaskCode", "UTBMS task code (US)"),
        string("subject", "Short description of the work"),
        string("description", "Detailed description of the work"),
        date("feeDate", "Date of the work"),
        *enumeration("feeType", "Fee type", FEE_TYPES),
        boolean("finalized", "Whether the fee is finalized"),
        boolean("isInvoicedExternally", "Whether the fee is invoiced outside Smokeball"),
        boolean("isWrittenOff", "Whether the fee is written off (on invoices, not in totals)"),
        boolean("isBillable", "Whether the fee is billable"),
        decimal("tax", "GST amount in the firm's currency (AU)"),
        boolean("taxInclusive", "Whether `amount` includes GST (AU)"),
        boolean("taxExempt", "Whether the fee is tax-exempt, so that `tax` is 0"),
        boolean("taxOutOfScope", "Whether the fee is out of scope for tax, so that `tax` is 0"),
        integer("duration", "Billed time in minutes"),
        integer("durationWorked", "Worked time in minutes"),
        decimal("rate", "Hourly rate or fixed fee in the firm's currency"),
        decimal("amount", "Amount in the firm's currency; includes tax if `taxInclusive`"),
        decimal("amountExcTax", "Amount excluding tax, in the firm's currency"),
        decimal("amountIncTax", "Amount including tax, in the firm's currency"),
        decimal("billableAmountExcTax", "Billable part of `amountExcTax`"),
        decimal("billableTax", "Billable part of `tax`"),
        boolean("isDeleted", "Whether the fee is deleted"),
        object_list(
            "sourceItems",
            "Entries combined in the fee",
            string("id", "ID of the entry"),
            string("href", "URL of the entry in the API"),
            string("description", "Description of the work"),
            integer("duration", "Duration in minutes"),
            boolean("isBillable", "Whether the entry is billable"),
        ),
        string("createdFromActivityId", "ID of the activity code from which the fee was created"),
    )


class ExpensesStream(MatterChildStream):
    """Expenses of a matter, including deleted ones."""

    name = "expenses"
    path = "/matters/{matterId}/expenses"
    primary_keys = ("id",)
    replication_key = EXTRACTED_TICKS
    scope = "expenses/read"
    sensitivity = "privileged"
    updated_since_filter = UPDATED_SINCE_TICKS
    event_types = ("expense.created", "expense.updated", "expense.deleted")
    columns = (
        string("id", "ID of the expense"),
        string("href", "URL of the expense in the API"),
        string("versionId", "Version ID; changes with every update of the expense"),
        string("createdByUserId", "ID of the user who created the expense"),
        link("staff", "Staff member to whom the expense is attributed"),
        link("matter", "Matter of the expense"),
        link("invoice", "Invoice that bills the expense"),
        string("staffId", "ID of the staff member (deprecated: use `staff`)"),
        string("matterId", "ID of the parent matter"),
        string("invoiceId", "ID of the invoice that bills the expense; null if not invoiced"),
        string("origin", "Origin of the expense"),
        string("activityCode", "Activity code"),
        string("utbmsTaskCode", "UTBMS task code (US)"),
        string("subject", "Short description of the expense"),
        string("description", "Detailed description of the expense"),
        date("expenseDate", "Date of the expense"),
        string("costType", "Cost type: Hard (paid to third parties) or Soft (the firm's overhead)"),
        decimal("quantity", "Quantity in units"),
        decimal("price", "Unit price in the firm's currency"),
        decimal("amount", "`price` times `quantity`; includes tax if `taxInclusive`"),
        decimal("amountExcTax", "Amount excluding tax, in the firm's currency"),
        decimal("amountIncTax", "Amount including tax, in the firm's currency"),
        decimal("tax", "GST amount in the firm's currency (AU)"),
        decimal("outputTax", "Output tax amount in the firm's currency (AU, UK)"),
        boolean("taxInclusive", "Whether `amount` includes GST (AU)"),
        boolean("taxZeroRated", "Whether the expense is zero-rated for tax"),
        boolean("taxOutOfScope", "Whether the expense is out of scope for tax"),
        boolean("taxExempt", "Whether the expense is tax-exempt"),
        boolean("finalized", "Whether the expense is finalized"),
        boolean("isWrittenOff", "Whether the expense is written off (on invoices, not in totals)"),
        boolean("isBillable", "Whether the expense is billable"),
        boolean("isInvoicedExternally", "Whether the expense is invoiced outside Smokeball"),
        boolean("isDeleted", "Whether the expense is deleted"),
    )


class InvoicesStream(MatterChildStream):
    """Invoices of a matter in any status, with their totals."""

    name = "invoices"
    path = "/matters/{matterId}/invoices"
    primary_keys = ("id",)
    replication_key = EXTRACTED_TICKS
    scope = "invoices/read"
    sensitivity = "privileged"
    updated_since_filter = UPDATED_SINCE_TICKS
    event_types = ("invoice.created", "invoice.updated", "invoice.finalized")
    columns = (
        string("id", "ID of the invoice"),
        string("href", "URL of the invoice in the API"),
        string("versionId", "Version ID; changes with every update of the invoice"),
        link("matter", "Matter of the invoice"),
        string("matterId", "ID of the parent matter"),
        string("lastUpdatedByUserId", "ID of the user who last updated the invoice"),
        string("description", "Description of the invoice"),
        *enumeration("status", "Invoice status", INVOICE_STATUSES),
        integer("invoiceNumber", "Invoice number"),
        string("invoiceTitle", "Title of the invoice"),
        string("invoiceTitleLine2", "Second line of the title"),
        date_time("issuedDate", "Issue date and time"),
        date_time("dueDate", "Due date and time"),
        date_time("paidDate", "Date and time of full payment; null until paid in full"),
        nested_object(
            "discount",
            "Discount settings; see `invoiceTotals` for the amount deducted",
            *enumeration("type", "Discount type", DISCOUNT_TYPES),
            decimal("fixedDiscount", "Discount in the firm's currency, if fixed"),
            decimal("percentage", "Discount in percent, from 0 to 100"),
            string("description", "Reason for the discount"),
        ),
        nested_object(
            "surcharge",
            "Surcharge settings",
            *enumeration("type", "Surcharge type", SURCHARGE_TYPES),
            decimal("fixedSurcharge", "Surcharge in the firm's currency, if fixed"),
            decimal("percentage", "Surcharge in percent"),
            string("description", "Reason for the surcharge"),
            *enumeration("applyTo", "Surcharge base", SURCHARGE_TARGETS),
        ),
        object_list("debtors", "Debtors of the invoice", link("contact", "Contact of the debtor")),
        object_list(
            "entries",
            "Fees and expenses on the invoice",
            string("id", "ID of the fee or expense"),
            string("versionId", "Version ID of the billed fee or expense"),
            *enumeration("type", "Entry type", ENTRY_TYPES),
        ),
        boolean("waived", "Whether the invoice is waived"),
        nested_object(
            "invoiceTotals",
            "Totals of the invoice in the firm's currency",
            decimal("paid", "Amount paid so far"),
            decimal("billed", "Billed excluding tax and interest, before discounts and write-offs"),
            decimal("unpaid", "Amount due including tax and interest"),
            decimal("unpaidExcInterest", "Amount due excluding interest"),
            decimal("writtenOff", "Amount written off"),
            decimal("waived", "Amount waived"),
            decimal("discount", "Total discount"),
            decimal("total", "Total with tax and interest, before payments, discounts, write-offs"),
            decimal("tax", "Total tax"),
            decimal("interest", "Interest charged so far"),
            decimal("feeTotal", "Total of all fees, including written-off ones"),
            decimal("writtenOffFeeTotal", "Total of written-off fees"),
            decimal("expenseTotal", "Total of all expenses, including written-off ones"),
            decimal("writtenOffExpenseTotal", "Total of written-off expenses"),
        ),
    )


class BillingConfigurationsStream(MatterChildStream):
    """Billing setup of a matter: basis, amounts, debtors and LEDES IDs."""

    name = "billing_configurations"
    selected_by_default = False
    path = "/matters/{matterId}/billingconfiguration"
    primary_keys = ("matterId",)
    scope = "billingconfiguration/read"
    sensitivity = "privileged"
    response_format = OBJECT
    event_types = ("billingconfiguration.updated",)
    columns = (
        string("id", "ID of the billing configuration"),
        string("href", "URL of the billing configuration in the API"),
        string("versionId", "Version ID; changes with every update of the billing configuration"),
        *enumeration("billingType", "Billing type", BILLING_TYPES),
        decimal("amount", "Amount in the firm's currency, for fixed and time-based billing"),
        decimal("disbursementAmount", "Disbursement amount in the firm's currency (AU, UK)"),
        decimal("contingencyAmount", "Contingency fee in percent"),
        links("debtors", "Contacts who are billed"),
        string("rateSetId", "ID of the rate set (AU, UK)"),
        boolean("isUtbmsEnabled", "Whether UTBMS codes are used (US)"),
        string("ledesFirmId", "Firm ID in LEDES files (US)"),
        string("ledesMatterId", "Matter ID in LEDES files (US)"),
        string("ledesClientMatterId", "Client matter ID in LEDES files (US)"),
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
