-- Hours against target: hours that each fee earner recorded in the last twelve months, by month.
--
-- Counts time entries by the day of the work, without fixed fees and deleted entries. Hours are the
-- hours charged; an entry that combines other entries counts in full. Smokeball stores no targets.
-- The query uses 120 billable hours per month for everyone; replace it with your number or table. One
-- row per staff member and month in which the firm recorded time, including staff without time in
-- that month. Former staff appear only in months in which they recorded time. The current month is
-- incomplete, but its target is that of a full month.
--
-- month: first day of the month
-- staff_id: id of the staff member
-- name: name of the staff member
-- former: whether the staff member has left the firm
-- hours: hours recorded
-- billable_hours: recorded hours that are billable, including hours written off
-- target_hours: target for billable hours
-- percent_of_target: billable hours as a percentage of the target
with target as (
    select cast(120 as decimal(18, 2)) as hours
),
recent as (
    select
        cast(date_trunc('month', cast(fees.feeDate as date)) as date) as month,
        (fees.staff ->> '$.id') as staff_id,
        fees.duration as minutes,
        case when coalesce(fees.isBillable, true) then fees.duration else 0 end as billable
    from smokeball.fees as fees
    left join smokeball.matters as matters on matters.id = fees.matterId
    where fees.feeType = 1
        and not coalesce(fees.isDeleted, false)
        and coalesce(matters.status, '') <> 'Deleted'
        and cast(date_trunc('month', cast(fees.feeDate as date)) as date)
            > cast(date_trunc('month', cast(current_date as date)) as date) - interval '12' month
        and cast(fees.feeDate as date) <= current_date
),
months as (
    select distinct month from recent
),
recorded as (
    select month, staff_id, sum(minutes) as minutes, sum(billable) as billable
    from recent
    group by month, staff_id
)
select
    months.month as month,
    staff.id as staff_id,
    nullif(trim(concat(staff.firstName, ' ', staff.lastName)), '') as name,
    coalesce(staff.former, false) as former,
    cast(coalesce(recorded.minutes, 0) / 60 as decimal(18, 2)) as hours,
    cast(coalesce(recorded.billable, 0) / 60 as decimal(18, 2)) as billable_hours,
    target.hours as target_hours,
    cast(
        100 * coalesce(recorded.billable, 0) / 60 / target.hours as decimal(18, 1)
    ) as percent_of_target
from months
cross join smokeball.staff as staff
cross join target
left join recorded on recorded.month = months.month and recorded.staff_id = staff.id
where not coalesce(staff.former, false) or recorded.staff_id is not null
order by month, staff.lastName, staff.firstName, staff.id
