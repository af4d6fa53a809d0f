-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('fees', ['id'], [
        ['fee_id', 'text', 'id'],
        ['version_id', 'text', 'versionId'],
        ['matter_id', 'text', 'matterId', 'matter.id'],
        ['staff_id', 'text', 'staff.id', 'staffId'],
        ['created_by_user_id', 'text', 'createdByUserId'],
        ['created_at', 'time', 'createdDate'],
        ['created_date', 'local_date', 'createdDate'],
        ['last_updated_by_user_id', 'text', 'lastUpdatedByUserId'],
        ['invoice_id', 'text', 'invoiceId'],
        ['activity_code', 'text', 'activityCode'],
        ['utbms_task_code', 'text', 'utbmsTaskCode'],
        ['subject', 'text', 'subject'],
        ['description', 'text', 'description'],
        ['fee_date', 'date', 'feeDate'],
        ['fee_type', 'integer', 'feeType'],
        ['fee_type_name', 'text', 'feeTypeName'],
        ['is_finalized', 'boolean', 'finalized'],
        ['is_invoiced_externally', 'boolean', 'isInvoicedExternally'],
        ['is_written_off', 'boolean', 'isWrittenOff'],
        ['is_billable', 'true_boolean', 'isBillable'],
        ['tax', 'money', 'tax'],
        ['is_tax_inclusive', 'boolean', 'taxInclusive'],
        ['is_tax_exempt', 'boolean', 'taxExempt'],
        ['is_tax_out_of_scope', 'boolean', 'taxOutOfScope'],
        ['duration_minutes', 'integer', 'duration'],
        ['worked_minutes', 'integer', 'durationWorked'],
        ['rate', 'money', 'rate'],
        ['amount', 'money', 'amount'],
        ['amount_exc_tax', 'money', 'amountExcTax'],
        ['amount_inc_tax', 'money', 'amountIncTax'],
        ['billable_amount_exc_tax', 'money', 'billableAmountExcTax'],
        ['billable_tax', 'money', 'billableTax'],
        ['is_marked_deleted', 'boolean', 'isDeleted'],
        ['source_items', 'json', 'sourceItems'],
        ['created_from_activity_id', 'text', 'createdFromActivityId'],
        ['extra_fields', 'json', 'extraFields'],
        ['extracted_ticks', 'integer', 'extractedTicks']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
