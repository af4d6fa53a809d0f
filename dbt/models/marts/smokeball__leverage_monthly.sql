-- Billable hours of other fee earners by hour of principals. Fee earners whose role is not in the seed are apart.
with hours as (
    select
        source_relation,
        month,
        sum(case when is_principal then billable_hours else 0 end) as principal_hours,
        sum(case when not is_principal then billable_hours else 0 end) as other_hours,
        sum(case when is_principal is null then billable_hours else 0 end) as unknown_role_hours
    from {{ ref('smokeball__timekeeper_monthly') }}
    where is_fee_earner
    group by source_relation, month
)

select
    source_relation,
    month,
    {{ smokeball.decimal('principal_hours', 2) }} as principal_hours,
    {{ smokeball.decimal('other_hours', 2) }} as other_hours,
    {{ smokeball.decimal('unknown_role_hours', 2) }} as unknown_role_hours,
    {{ smokeball.ratio('other_hours', 'principal_hours', 2) }} as leverage
from hours
