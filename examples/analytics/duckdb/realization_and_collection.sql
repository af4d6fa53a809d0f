-- Realization and collection: billed share of recorded work, and paid share of invoices, by month.
--
-- The month is the month of the issue date. Counts invoices that were issued (final or paid), except
-- those of deleted matters. Realization is the amount billed divided by the recorded value of the
-- work; the difference is non-billable time, write-offs and discounts. Collection is the amount paid
-- divided by the total amount due. Needs the full history: an invoice whose fees were not loaded has
-- no recorded value.
--
-- month: first day of the month
-- invoices: number of invoices issued
-- recorded: full value of their fees and expenses, excluding tax
-- written_off: amount written off at billing
-- discount: discount granted
-- billed: fees and expenses billed, excluding tax, after write-offs and discounts
-- realization: billed as a percentage of recorded
-- due: total amount due with tax, surcharge and interest, after write-offs and discounts
-- paid: part of the amount due that has been paid to date
-- waived: part of the amount due that was waived
-- unpaid: amount outstanding
-- collection: paid as a percentage of due
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
