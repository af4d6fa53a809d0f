{#
  Leads by month of opening and source. Only leads that were open when first seen count; converted of converted and
  lost. No rate in the first 30 days of the log: nearly nothing has been decided.
#}
with sums as (
    select
        source_relation,
        opened_month as month,
        coalesce(referral_type, '(none)') as referral_type,
        count(*) as leads_seen,
        count(case when is_counted then 1 end) as leads,
        count(case when is_counted and outcome = 'converted' then 1 end) as converted,
        count(case when is_counted and outcome = 'lost' then 1 end) as lost,
        count(case when is_counted and outcome = 'open' then 1 end) as still_open,
        avg(case when is_counted then days_to_convert end) as average_days_to_convert,
        min(log_began_at) as log_began_at
    from {{ ref('smokeball__leads') }}
    where outcome <> 'deleted'
    group by source_relation, opened_month, coalesce(referral_type, '(none)')
)

select
    source_relation,
    month,
    referral_type,
    leads_seen,
    leads,
    converted,
    lost,
    still_open,
    {{ smokeball.decimal('average_days_to_convert', 2) }} as average_days_to_convert,
    log_began_at,
    {{ smokeball.decimal('case when ' ~ smokeball.as_of() ~ ' >= ' ~ smokeball.date_plus('day', 30, 'cast(log_began_at as date)')
        ~ ' then ' ~ smokeball.ratio('converted', '(converted + lost)') ~ ' end', 4) }} as conversion_rate
from sums
