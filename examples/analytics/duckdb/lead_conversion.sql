-- Lead conversion: leads by outcome and by the month in which they were opened.
--
-- Smokeball does not keep the information that a matter was a lead: the lead dates exist only on
-- leads. The query therefore reads `analytics.lead_log`, which keep_leads.sql fills after each load.
-- It sees conversions only since the first run of that script. A lead is converted if it is now a
-- matter, lost if it is closed or cancelled, and otherwise open. Excludes deleted leads and matters.
--
-- month: first day of the month in which the lead was opened, or first seen if that is unknown
-- leads: number of leads
-- converted: leads that became matters
-- lost: leads that are closed or cancelled
-- still_open: leads that are neither converted nor lost
-- conversion: converted leads as a percentage of converted and lost leads
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
