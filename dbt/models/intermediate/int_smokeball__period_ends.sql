{#
  The last day of each month with an image of the work in progress and the receivables. A month without an image is
  unknown, not 0.
#}
with months as (
    select source_relation, {{ smokeball.month_of('day') }} as month, max(day) as last_day, min(day) as first_day
    from {{ ref('smokeball__wip_daily') }}
    group by source_relation, {{ smokeball.month_of('day') }}
)

select
    source_relation,
    month,
    last_day,
    lag(last_day) over (partition by source_relation order by month) as previous_last_day,
    coalesce(lag(last_day) over (partition by source_relation order by month), first_day) as opening_day
from months
