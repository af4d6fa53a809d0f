{% snapshot snap_smokeball__matters %}
{{ config(strategy='timestamp', updated_at='last_updated_at', unique_key=['source_relation', 'matter_id']) }}
select
    source_relation,
    matter_id,
    status,
    is_lead,
    is_template,
    is_deleted,
    matter_type_id,
    person_responsible_id,
    originating_staff_id,
    lead_opened_date,
    lead_closed_date,
    opened_date,
    closed_date,
    referral_type,
    last_updated_at,
    loaded_at,
    {{ smokeball.seen_at() }} as seen_at
from {{ ref('stg_smokeball__matters') }}
{% endsnapshot %}
