-- One row per invoice and entry on it: a fee or an expense.
select
    invoices.source_relation,
    invoices.invoice_id,
    {{ smokeball.place() }} as entry_number,
    {{ smokeball.json_text(smokeball.item(), ['id']) }} as entry_id,
    cast({{ smokeball.json_text(smokeball.item(), ['type']) }} as {{ dbt.type_bigint() }}) as entry_type,
    {{ smokeball.json_text(smokeball.item(), ['typeName']) }} as entry_type_name
from {{ ref('stg_smokeball__invoices') }} as invoices
{{ smokeball.each_item('invoices.entries') }}
