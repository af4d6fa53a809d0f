{#
  Opening + invoiced - cash - credit + other = closing, by month and matter, with tax. Other: waivers, write-offs after
  billing, interest, voids and edits; Smokeball does not date them, so they show when the image changes.
#}
with ends as (
    select * from {{ ref('int_smokeball__period_ends') }}
),

movements as (
    select ends.source_relation, ends.month, daily.matter_id, daily.owed_amount as opening_amount, 0 as closing_amount, 0 as invoiced_amount, 0 as cash_amount, 0 as credit_amount
    from ends
    inner join {{ ref('smokeball__ar_daily') }} as daily
        on daily.source_relation = ends.source_relation and daily.day = ends.opening_day
    union all
    select ends.source_relation, ends.month, daily.matter_id, 0 as opening_amount, daily.owed_amount as closing_amount, 0 as invoiced_amount, 0 as cash_amount, 0 as credit_amount
    from ends
    inner join {{ ref('smokeball__ar_daily') }} as daily
        on daily.source_relation = ends.source_relation and daily.day = ends.last_day
    union all
    select ends.source_relation, ends.month, invoices.matter_id, 0 as opening_amount, 0 as closing_amount, invoices.payable_amount as invoiced_amount, 0 as cash_amount, 0 as credit_amount
    from ends
    inner join {{ ref('int_smokeball__invoice_amounts') }} as invoices
        on invoices.source_relation = ends.source_relation
        and invoices.issued_date > ends.opening_day and invoices.issued_date <= ends.last_day
        and invoices.is_issued
    union all
    select ends.source_relation, ends.month, receipts.matter_id, 0 as opening_amount, 0 as closing_amount, 0 as invoiced_amount, receipts.cash_amount, receipts.credit_amount
    from ends
    inner join {{ ref('smokeball__receipts') }} as receipts
        on receipts.source_relation = ends.source_relation
        and receipts.effective_date > ends.opening_day and receipts.effective_date <= ends.last_day
)

select
    source_relation,
    month,
    matter_id,
    {{ smokeball.money('sum(opening_amount)') }} as opening_amount,
    {{ smokeball.money('sum(invoiced_amount)') }} as invoiced_amount,
    {{ smokeball.money('sum(cash_amount)') }} as cash_amount,
    {{ smokeball.money('sum(credit_amount)') }} as credit_amount,
    {{ smokeball.money('sum(closing_amount) - sum(opening_amount) - sum(invoiced_amount) + sum(cash_amount) + sum(credit_amount)') }} as other_amount,
    {{ smokeball.money('sum(closing_amount)') }} as closing_amount,
    {{ smokeball.currency() }} as currency
from movements
group by source_relation, month, matter_id
