-- Lead conversion: what has become of the leads, by the month in which they came.
--
-- Smokeball forgets that a matter was a lead: its lead dates apply to leads only. So this reads
-- `analytics.lead_log`, which keep_leads.sql fills after each load, and sees the conversions since
-- that was first run. A lead is converted once it is a matter, lost if it is closed or cancelled,
-- and otherwise open. Deleted leads and matters do not count.
--
-- month: first day of the month in which the lead was opened, or first seen if that is not known
-- leads: how many leads came
-- converted: those that have become matters
-- lost: those that are closed or cancelled
-- still_open: those that are neither
-- conversion: converted, in percent of converted and lost
with leads as (
    select
        cast(date_trunc('month', cast(coalesce(log.opened, log.first_seen) as date)) as date)
            as month,
        case
            when not coalesce(matters.isLead, false) then 'converted'
            when matters.status in ('Closed', 'Cancelled') then 'lost'
            else 'open'
        end as fate
    from analytics.lead_log as log
    join smokeball.matters as matters on matters.id = log.matter_id
    where coalesce(matters.status, '') <> 'Deleted'
)
select
    month,
    count(*) as leads,
    sum(case when fate = 'converted' then 1 else 0 end) as converted,
    sum(case when fate = 'lost' then 1 else 0 end) as lost,
    sum(case when fate = 'open' then 1 else 0 end) as still_open,
    cast(
        100 * sum(case when fate = 'converted' then 1 else 0 end)
        / nullif(sum(case when fate = 'open' then 0 else 1 end), 0)
        as decimal(18, 1)
    ) as conversion
from leads
group by month
order by month
