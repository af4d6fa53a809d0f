{% snapshot snap_smokeball__matter_stages %}
{{ config(strategy='timestamp', updated_at='last_updated_at', unique_key=['source_relation', 'matter_id']) }}
select
    source_relation,
    matter_id,
    stage_set_id,
    stage_id,
    stage_name,
    last_updated_at,
    loaded_at,
    {{ smokeball.seen_at() }} as seen_at
from {{ ref('stg_smokeball__matter_stages') }}
{% endsnapshot %}
