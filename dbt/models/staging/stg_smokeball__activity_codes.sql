-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('activity_codes', ['id'], [
        ['activity_code_id', 'text', 'id'],
        ['version_id', 'text', 'versionId'],
        ['updated_by_user_id', 'text', 'updatedByUserId'],
        ['type', 'integer', 'type'],
        ['type_name', 'text', 'typeName'],
        ['description', 'text', 'description'],
        ['code', 'text', 'code'],
        ['is_billable', 'true_boolean', 'isBillable'],
        ['rate_type', 'integer', 'rateType'],
        ['rate_type_name', 'text', 'rateTypeName'],
        ['rate', 'money', 'rate'],
        ['quantity', 'number', 'quantity'],
        ['is_tax_inclusive', 'boolean', 'taxInclusive'],
        ['is_tax_exempt', 'boolean', 'taxExempt'],
        ['is_tax_zero_rated', 'boolean', 'taxZeroRated'],
        ['is_tax_out_of_scope', 'boolean', 'taxOutOfScope'],
        ['is_marked_deleted', 'boolean', 'isDeleted'],
        ['input_tax_rate', 'number', 'inputTaxRate'],
        ['output_tax_rate', 'number', 'outputTaxRate'],
        ['extra_fields', 'json', 'extraFields'],
        ['extracted_ticks', 'integer', 'extractedTicks']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
