-- Realization and collection: how much of the work was billed, and of the bills paid, by month.
--
-- The month is that of the invoice's date of issue. An invoice counts if it has gone out (final or
-- paid); those of deleted matters do not. Realization compares what clients were asked to pay for
-- the work with what it was recorded at: what is lost on the way is time that cannot be billed,
-- written off or discounted. Collection compares what was paid with what was asked for in all.
-- Needs the whole history: an invoice whose fees were not loaded has nothing recorded.
--
-- month: first day of the month
-- invoices: how many invoices went out
-- recorded: full value of their fees and expenses, without tax
-- written_off: written off of that when they were billed
-- discount: taken off as a discount
-- billed: asked for as fees and expenses, without tax, less what is written off and discounted
-- realization: billed, in percent of recorded
-- due: asked for in all, with tax, surcharge and interest, less the same
-- paid: paid of that up to now
-- waived: waived of that
-- unpaid: still due
-- collection: paid, in percent of due
with entries as (
    select invoiceId, cast(amountExcTax as decimal(18, 2)) as amount
    from smokeball.fees
    where not coalesce(isDeleted, false)
    union all
    select invoiceId, cast(amountExcTax as decimal(18, 2)) as amount
    from smokeball.expenses
    where not coalesce(isDeleted, false)
),
recorded as (
    select invoiceId, sum(amount) as amount
    from entries
    where invoiceId is not null
    group by invoiceId
),
sent as (
    select
        cast(date_trunc('month', cast(invoices.issuedDate as date)) as date) as month,
        coalesce(recorded.amount, 0) as recorded,
        cast(invoices.invoiceTotals ->> '$.billed' as decimal(18, 2)) as gross,
        cast(invoices.invoiceTotals ->> '$.writtenOff' as decimal(18, 2)) as written_off,
        cast(invoices.invoiceTotals ->> '$.discount' as decimal(18, 2)) as discount,
        cast(invoices.invoiceTotals ->> '$.total' as decimal(18, 2)) as total,
        cast(invoices.invoiceTotals ->> '$.paid' as decimal(18, 2)) as paid,
        cast(invoices.invoiceTotals ->> '$.waived' as decimal(18, 2)) as waived,
        cast(invoices.invoiceTotals ->> '$.unpaid' as decimal(18, 2)) as unpaid
    from smokeball.invoices as invoices
    left join recorded on recorded.invoiceId = invoices.id
    left join smokeball.matters as matters on matters.id = invoices.matterId
    where invoices.status in (1, 2)
        and coalesce(matters.status, '') <> 'Deleted'
)
select
    sent.month as month,
    count(*) as invoices,
    sum(sent.recorded) as recorded,
    sum(sent.written_off) as written_off,
    sum(sent.discount) as discount,
    sum(sent.gross - sent.written_off - sent.discount) as billed,
    cast(
        100 * sum(sent.gross - sent.written_off - sent.discount) / nullif(sum(sent.recorded), 0)
        as decimal(18, 1)
    ) as realization,
    sum(sent.total - sent.written_off - sent.discount) as due,
    sum(sent.paid) as paid,
    sum(sent.waived) as waived,
    sum(sent.unpaid) as unpaid,
    cast(
        100 * sum(sent.paid) / nullif(sum(sent.total - sent.written_off - sent.discount), 0)
        as decimal(18, 1)
    ) as collection
from sent
group by sent.month
order by month
