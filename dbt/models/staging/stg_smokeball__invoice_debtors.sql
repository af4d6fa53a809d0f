-- One row per invoice and debtor.
select
    invoices.source_relation,
    invoices.invoice_id,
    {{ smokeball.place() }} as debtor_number,
    {{ smokeball.json_text(smokeball.item(), ['contact', 'id']) }} as contact_id,
    count(*) over (partition by invoices.source_relation, invoices.invoice_id) as debtors
from {{ ref('stg_smokeball__invoices') }} as invoices
{{ smokeball.each_item('invoices.debtors') }}
