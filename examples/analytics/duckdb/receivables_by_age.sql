-- Accounts receivable aging: unpaid invoices by matter and by days overdue.
--
-- Counts invoices that were issued (final or paid) and have an unpaid amount, including tax and
-- interest. Excludes draft, deleted and void invoices, and invoices of deleted matters. Days overdue
-- are counted from the due date, or from the issue date if there is no due date; an invoice without
-- both dates is not overdue. One row per matter with unpaid invoices.
--
-- as_of: reference date for ages: the current date of the database
-- matter_id: id of the matter
-- number: number of the matter
-- title: title of the matter
-- responsible: name of the person responsible
-- invoices: number of unpaid invoices
-- not_due: unpaid amount that is not overdue
-- days_1_30: unpaid amount that is 1 to 30 days overdue
-- days_31_60: unpaid amount that is 31 to 60 days overdue
-- days_61_90: unpaid amount that is 61 to 90 days overdue
-- over_90_days: unpaid amount that is more than 90 days overdue
-- total: total unpaid amount
-- most_days: days overdue of the oldest invoice; 0 or less if it is not overdue
with today as (
    select current_date as as_of
),
owed as (
    select
        today.as_of,
        invoices.matterId,
        cast(invoices.invoiceTotals ->> '$.unpaid' as decimal(18, 2)) as unpaid,
        coalesce(
            date_diff(
                'day',
                cast(coalesce(invoices.dueDate, invoices.issuedDate) as date),
                today.as_of
            ),
            0
        ) as days
    from smokeball.invoices as invoices
    cross join today
    where invoices.status in (1, 2)
),
by_matter as (
    select
        as_of,
        matterId,
        count(*) as invoices,
        sum(case when days <= 0 then unpaid else 0 end) as not_due,
        sum(case when days between 1 and 30 then unpaid else 0 end) as days_1_30,
        sum(case when days between 31 and 60 then unpaid else 0 end) as days_31_60,
        sum(case when days between 61 and 90 then unpaid else 0 end) as days_61_90,
        sum(case when days > 90 then unpaid else 0 end) as over_90_days,
        sum(unpaid) as total,
        max(days) as most_days
    from owed
    where unpaid <> 0
    group by as_of, matterId
)
select
    by_matter.as_of as as_of,
    by_matter.matterId as matter_id,
    matters.number as number,
    matters.title as title,
    nullif(trim(concat(staff.firstName, ' ', staff.lastName)), '') as responsible,
    by_matter.invoices as invoices,
    by_matter.not_due as not_due,
    by_matter.days_1_30 as days_1_30,
    by_matter.days_31_60 as days_31_60,
    by_matter.days_61_90 as days_61_90,
    by_matter.over_90_days as over_90_days,
    by_matter.total as total,
    by_matter.most_days as most_days
from by_matter
left join smokeball.matters as matters on matters.id = by_matter.matterId
left join smokeball.staff as staff on staff.id = (matters.personResponsible ->> '$.id')
where coalesce(matters.status, '') <> 'Deleted'
order by total desc, matter_id
