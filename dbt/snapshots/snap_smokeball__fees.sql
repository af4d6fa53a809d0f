{% snapshot snap_smokeball__fees %}
{{ config(strategy='check', check_cols=['matter_id', 'invoice_id', 'staff_id', 'fee_date', 'duration_minutes', 'rate', 'amount_exc_tax', 'billable_amount_exc_tax', 'is_billable', 'is_written_off', 'is_invoiced_externally', 'is_deleted'], unique_key=['source_relation', 'fee_id']) }}
select
    source_relation,
    fee_id,
    matter_id,
    invoice_id,
    staff_id,
    fee_date,
    fee_type,
    duration_minutes,
    rate,
    amount_exc_tax,
    billable_amount_exc_tax,
    is_billable,
    is_written_off,
    is_invoiced_externally,
    is_deleted,
    loaded_at,
    {{ smokeball.seen_at() }} as seen_at
from {{ ref('stg_smokeball__fees') }}
{% endsnapshot %}
