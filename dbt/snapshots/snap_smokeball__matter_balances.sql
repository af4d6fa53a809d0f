{% snapshot snap_smokeball__matter_balances %}
{{ config(strategy='check', check_cols=['balance', 'protected_balance', 'available_balance', 'unpresented_cheques_balance'], unique_key=['source_relation', 'bank_account_id', 'matter_id']) }}
select
    source_relation,
    bank_account_id,
    matter_id,
    balance,
    protected_balance,
    available_balance,
    unpresented_cheques_balance,
    last_updated_at,
    loaded_at,
    {{ smokeball.seen_at() }} as seen_at
from {{ ref('stg_smokeball__matter_balances') }}
{% endsnapshot %}
