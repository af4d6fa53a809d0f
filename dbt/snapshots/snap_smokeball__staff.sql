{% snapshot snap_smokeball__staff %}
{{ config(strategy='check', check_cols=['role', 'rate', 'is_former', 'is_enabled'], unique_key=['source_relation', 'staff_id']) }}
select
    source_relation,
    staff_id,
    role,
    rate,
    is_former,
    is_enabled,
    loaded_at,
    {{ smokeball.seen_at() }} as seen_at
from {{ ref('stg_smokeball__staff') }}
{% endsnapshot %}
