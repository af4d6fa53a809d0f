-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('expenses', ['id'], [
        ['expense_id', 'text', 'id'],
        ['version_id', 'text', 'versionId'],
        ['created_by_user_id', 'text', 'createdByUserId'],
        ['staff_id', 'text', 'staff.id', 'staffId'],
        ['matter_id', 'text', 'matter.id', 'matterId'],
        ['invoice_id', 'text', 'invoice.id', 'invoiceId'],
        ['origin', 'text', 'origin'],
        ['activity_code', 'text', 'activityCode'],
        ['utbms_task_code', 'text', 'utbmsTaskCode'],
        ['subject', 'text', 'subject'],
        ['description', 'text', 'description'],
        ['expense_date', 'date', 'expenseDate'],
        ['cost_type', 'text', 'costType'],
        ['quantity', 'number', 'quantity'],
        ['price', 'money', 'price'],
        ['amount', 'money', 'amount'],
        ['amount_exc_tax', 'money', 'amountExcTax'],
        ['amount_inc_tax', 'money', 'amountIncTax'],
        ['tax', 'money', 'tax'],
        ['output_tax', 'money', 'outputTax'],
        ['is_tax_inclusive', 'boolean', 'taxInclusive'],
        ['is_tax_zero_rated', 'boolean', 'taxZeroRated'],
        ['is_tax_out_of_scope', 'boolean', 'taxOutOfScope'],
        ['is_tax_exempt', 'boolean', 'taxExempt'],
        ['is_finalized', 'boolean', 'finalized'],
        ['is_written_off', 'boolean', 'isWrittenOff'],
        ['is_billable', 'true_boolean', 'isBillable'],
        ['is_invoiced_externally', 'boolean', 'isInvoicedExternally'],
        ['is_marked_deleted', 'boolean', 'isDeleted'],
        ['extra_fields', 'json', 'extraFields'],
        ['extracted_ticks', 'integer', 'extractedTicks']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
