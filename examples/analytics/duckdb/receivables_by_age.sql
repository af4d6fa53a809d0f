-- Receivables by age: what clients owe on invoices, by matter and by days overdue.
--
-- An invoice counts if it has gone out (final or paid) and something of it is unpaid, with tax and
-- interest. Drafts, deleted and void invoices do not count, nor do those of deleted matters. The age
-- runs from the due date, or from the day of issue if there is none; an invoice with neither is not
-- overdue. One row for each matter that owes.
--
-- as_of: the day that ages are counted to: today, by the database's clock
-- matter_id: id of the matter
-- number: number of the matter
-- title: title of the matter
-- responsible: who is responsible for it
-- invoices: how many invoices are unpaid
-- not_due: owed and not overdue
-- days_1_30: overdue by 1 to 30 days
-- days_31_60: overdue by 31 to 60 days
-- days_61_90: overdue by 61 to 90 days
-- over_90_days: overdue by more than 90 days
-- total: all that is owed
-- most_days: days that the oldest is overdue by, 0 or less if it is not
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
