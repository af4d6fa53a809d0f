{#
  The adjustments of an invoice spread over its entries, pro rata of their billable amounts: the discount of a draft or
  of an issued invoice, the surcharge of a draft, and what was paid. Fees carry the discount of fees, expenses that of
  costs. An entry has no own payment: Smokeball's income report spreads part payments pro rata as well.
#}
with on_invoices as (
    select
        entries.source_relation,
        entries.entry_id,
        entries.entry_kind,
        entries.invoice_id,
        entries.entry_state,
        entries.billable_amount_exc_tax,
        sum(entries.billable_amount_exc_tax)
            over (partition by entries.source_relation, entries.invoice_id, entries.entry_kind) as kind_amount,
        sum(entries.billable_amount_exc_tax)
            over (partition by entries.source_relation, entries.invoice_id) as invoice_amount
    from {{ ref('int_smokeball__entries') }} as entries
    where entries.entry_state in ('billed', 'on_draft') and entries.invoice_id is not null
),

shares as (
    select
        *,
        coalesce({{ smokeball.ratio('billable_amount_exc_tax', 'kind_amount', 12) }}, 0) as kind_share,
        coalesce({{ smokeball.ratio('billable_amount_exc_tax', 'invoice_amount', 12) }}, 0) as invoice_share
    from on_invoices
),

adjustments as (
    select
        shares.source_relation,
        shares.entry_id,
        shares.entry_state,
        shares.billable_amount_exc_tax,
        shares.kind_share * case when shares.entry_kind = 'fee' then amounts.fee_discount_amount else amounts.cost_discount_amount end
            as discount_amount,
        shares.invoice_share * amounts.surcharge_amount as surcharge_amount,
        case
            when amounts.payable_amount = 0 then 0
            else cast(amounts.paid_exc_interest_amount as {{ dbt.type_float() }}) / nullif(amounts.payable_amount, 0)
        end as paid_share
    from shares
    inner join {{ ref('int_smokeball__invoice_amounts') }} as amounts
        on {{ smokeball.same('amounts', 'shares', ['invoice_id']) }}
)

select
    source_relation,
    entry_id,
    {{ smokeball.decimal('discount_amount', 6) }} as discount_amount,
    {{ smokeball.decimal('surcharge_amount', 6) }} as surcharge_amount,
    {{ smokeball.decimal('billable_amount_exc_tax - discount_amount', 6) }} as net_amount,
    {{ smokeball.decimal("case when entry_state = 'billed' then (billable_amount_exc_tax - discount_amount) * paid_share else 0 end", 6) }}
        as collected_amount
from adjustments
