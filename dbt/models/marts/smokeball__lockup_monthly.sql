{#
  Lock-up at the end of each month with an image; the current month is at the report's date. Fees without tax. Days are
  null until the firm has invoices of twelve months.
#}
with wip as (
    select ends.source_relation, ends.month, ends.last_day, sum(daily.fees) as wip_fees, sum(daily.disbursements) as wip_disbursements
    from {{ ref('int_smokeball__period_ends') }} as ends
    left join {{ ref('smokeball__wip_daily') }} as daily
        on daily.source_relation = ends.source_relation and daily.day = ends.last_day
    group by ends.source_relation, ends.month, ends.last_day
),

receivables as (
    select ends.source_relation, ends.month, sum(daily.owed_amount) as owed_amount, sum(daily.owed_exc_tax_amount) as owed_exc_tax_amount
    from {{ ref('int_smokeball__period_ends') }} as ends
    left join {{ ref('smokeball__ar_daily') }} as daily
        on daily.source_relation = ends.source_relation and daily.day = ends.last_day
    group by ends.source_relation, ends.month
),

billed as (
    select
        wip.source_relation,
        wip.month,
        sum(invoices.net_fee_amount) as billed_fees,
        sum(invoices.net_fee_amount + invoices.net_cost_amount + invoices.surcharge_amount) as billed_amount,
        count(*) as invoices
    from wip
    inner join {{ ref('int_smokeball__invoice_amounts') }} as invoices
        on invoices.source_relation = wip.source_relation
        and invoices.is_issued
        and invoices.issued_date > {{ smokeball.date_plus('month', -12, 'wip.last_day') }}
        and invoices.issued_date <= wip.last_day
    group by wip.source_relation, wip.month
),

first_invoices as (
    select source_relation, min(issued_date) as first_issued_date
    from {{ ref('int_smokeball__invoice_amounts') }}
    where is_issued
    group by source_relation
),

sums as (
    select
        wip.source_relation,
        wip.month,
        wip.last_day as as_of,
        {{ smokeball.money('coalesce(wip.wip_fees, 0)') }} as wip_fees,
        {{ smokeball.money('coalesce(wip.wip_disbursements, 0)') }} as wip_disbursements,
        {{ smokeball.money('coalesce(receivables.owed_amount, 0)') }} as owed_amount,
        {{ smokeball.money('coalesce(receivables.owed_exc_tax_amount, 0)') }} as owed_exc_tax_amount,
        coalesce(billed.invoices, 0) as invoices_in_12_months,
        {{ smokeball.money('coalesce(billed.billed_fees, 0)') }} as billed_fees_in_12_months,
        {{ smokeball.money('coalesce(billed.billed_amount, 0)') }} as billed_amount_in_12_months,
        coalesce(first_invoices.first_issued_date <= {{ smokeball.date_plus('month', -12, 'wip.last_day') }}, false) as has_12_months
    from wip
    left join receivables on {{ smokeball.same('receivables', 'wip', ['month']) }}
    left join billed on {{ smokeball.same('billed', 'wip', ['month']) }}
    left join first_invoices on first_invoices.source_relation = wip.source_relation
),

days as (
    select
        *,
        {{ smokeball.ratio(
            '365 * (wip_fees' ~ (' + wip_disbursements' if var('smokeball__lockup_includes_disbursements') else '') ~ ')',
            'case when has_12_months then billed_fees_in_12_months end', 1) }} as wip_days,
        {{ smokeball.ratio('365 * owed_exc_tax_amount', 'case when has_12_months then billed_amount_in_12_months end', 1) }}
            as debtor_days
    from sums
)

select
    *,
    {{ smokeball.decimal('wip_days + debtor_days', 1) }} as lockup_days,
    {{ smokeball.currency() }} as currency
from days
