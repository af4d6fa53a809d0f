-- Work in progress: unbilled fees and expenses by matter.
--
-- Counts billable fees and expenses that are not deleted, not written off and not billed outside of
-- Smokeball. They must have no invoice, or only a draft, deleted or void one. Amounts exclude tax.
-- Excludes deleted matters but includes leads, because work on leads is work. One row per matter with
-- unbilled entries.
--
-- matter_id: id of the matter
-- number: number of the matter; leads have none
-- title: title of the matter
-- status: status of the matter
-- responsible: name of the person responsible
-- hours: hours of time entries, without fixed fees
-- fees: sum of fees
-- expenses: sum of expenses
-- on_draft: part of the total that is on a draft invoice
-- total: sum of fees and expenses
-- oldest: date of the oldest entry
with entries as (
    select
        matterId,
        invoiceId,
        cast(feeDate as date) as day,
        case when feeType = 1 then duration else 0 end as minutes,
        cast(billableAmountExcTax as decimal(18, 2)) as fee,
        cast(0 as decimal(18, 2)) as expense
    from smokeball.fees
    where coalesce(isBillable, true)
        and not coalesce(isDeleted, false)
        and not coalesce(isWrittenOff, false)
        and not coalesce(isInvoicedExternally, false)
    union all
    select
        matterId,
        invoiceId,
        cast(expenseDate as date) as day,
        0 as minutes,
        cast(0 as decimal(18, 2)) as fee,
        cast(amountExcTax as decimal(18, 2)) as expense
    from smokeball.expenses
    where coalesce(isBillable, true)
        and not coalesce(isDeleted, false)
        and not coalesce(isWrittenOff, false)
        and not coalesce(isInvoicedExternally, false)
),
unbilled as (
    select
        entries.matterId,
        cast(sum(entries.minutes) / 60 as decimal(18, 2)) as hours,
        sum(entries.fee) as fees,
        sum(entries.expense) as expenses,
        sum(case when invoices.status = 0 then entries.fee + entries.expense else 0 end)
            as on_draft,
        min(entries.day) as oldest
    from entries
    left join smokeball.invoices as invoices on invoices.id = entries.invoiceId
    where entries.invoiceId is null or invoices.status in (0, 3, 4)
    group by entries.matterId
)
select
    unbilled.matterId as matter_id,
    matters.number as number,
    matters.title as title,
    matters.status as status,
    nullif(trim(concat(staff.firstName, ' ', staff.lastName)), '') as responsible,
    unbilled.hours as hours,
    unbilled.fees as fees,
    unbilled.expenses as expenses,
    unbilled.on_draft as on_draft,
    unbilled.fees + unbilled.expenses as total,
    unbilled.oldest as oldest
from unbilled
left join smokeball.matters as matters on matters.id = unbilled.matterId
left join smokeball.staff as staff on staff.id = (matters.personResponsible ->> '$.id')
where coalesce(matters.status, '') <> 'Deleted'
order by total desc, matter_id
