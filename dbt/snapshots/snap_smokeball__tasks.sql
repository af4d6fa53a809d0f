{% snapshot snap_smokeball__tasks %}
{{ config(strategy='timestamp', updated_at='last_updated_at', unique_key=['source_relation', 'task_id']) }}
select
    source_relation,
    task_id,
    matter_id,
    is_completed,
    completed_date_only,
    due_date_only,
    is_deleted,
    last_updated_at,
    loaded_at,
    {{ smokeball.seen_at() }} as seen_at
from {{ ref('stg_smokeball__tasks') }}
{% endsnapshot %}
