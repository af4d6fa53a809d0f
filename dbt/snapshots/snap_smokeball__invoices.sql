{% snapshot snap_smokeball__invoices %}
{{ config(strategy='check', check_cols=['status', 'is_waived', 'issued_date', 'due_date', 'paid_date', 'total', 'paid_amount', 'unpaid_amount', 'written_off_amount', 'waived_amount', 'discount_amount', 'tax_amount', 'interest_amount', 'fee_total', 'expense_total'], unique_key=['source_relation', 'invoice_id']) }}
select
    source_relation,
    invoice_id,
    matter_id,
    status,
    is_waived,
    issued_date,
    due_date,
    paid_date,
    total,
    billed_amount,
    paid_amount,
    unpaid_amount,
    unpaid_exc_interest_amount,
    written_off_amount,
    written_off_fee_total,
    written_off_expense_total,
    waived_amount,
    discount_amount,
    tax_amount,
    interest_amount,
    fee_total,
    expense_total,
    loaded_at,
    {{ smokeball.seen_at() }} as seen_at
from {{ ref('stg_smokeball__invoices') }}
{% endsnapshot %}
