-- The last activity on a matter, and of what kind it was. Streams that are not loaded have none.
{%- set kinds = [
    ('fee', 'stg_smokeball__fees', 'fee_date'),
    ('expense', 'stg_smokeball__expenses', 'expense_date'),
    ('task', 'stg_smokeball__tasks', 'created_date_only'),
    ('task', 'stg_smokeball__tasks', 'completed_date_only'),
    ('event', 'stg_smokeball__events', 'start_date'),
    ('memo', 'stg_smokeball__memos', 'created_date'),
    ('file', 'stg_smokeball__files', 'created_date'),
    ('invoice', 'stg_smokeball__invoices', 'issued_date'),
    ('payment', 'stg_smokeball__transactions', 'effective_date'),
] %}
with activities as (
    {%- for kind, model, day in kinds %}
    select source_relation, matter_id, '{{ kind }}' as activity_kind, {{ day }} as activity_date
    from {{ ref(model) }}
    where not is_deleted and {{ day }} is not null and {{ day }} <= {{ smokeball.as_of() }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

ranked as (
    select
        *,
        row_number() over (
            partition by source_relation, matter_id order by activity_date desc, activity_kind
        ) as newest_first
    from activities
    where matter_id is not null
)

select source_relation, matter_id, activity_date as last_activity_date, activity_kind as last_activity_kind
from ranked
where newest_first = 1
