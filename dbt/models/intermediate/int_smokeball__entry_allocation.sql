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

adjustments as (
    select
        on_invoices.source_relation,
        on_invoices.entry_id,
        on_invoices.entry_state,
        on_invoices.billable_amount_exc_tax,
        coalesce({{ smokeball.ratio(
            "on_invoices.billable_amount_exc_tax * case when on_invoices.entry_kind = 'fee' then amounts.fee_discount_amount else amounts.cost_discount_amount end",
            'on_invoices.kind_amount', 6) }}, 0) as discount_amount,
        coalesce({{ smokeball.ratio(
            'on_invoices.billable_amount_exc_tax * amounts.surcharge_amount', 'on_invoices.invoice_amount', 6) }}, 0) as surcharge_amount,
        amounts.paid_exc_interest_amount,
        amounts.payable_amount
    from on_invoices
    inner join {{ ref('int_smokeball__invoice_amounts') }} as amounts
        on {{ smokeball.same('amounts', 'on_invoices', ['invoice_id']) }}
)

select
    source_relation,
    entry_id,
    {{ smokeball.decimal('discount_amount', 6) }} as discount_amount,
    {{ smokeball.decimal('surcharge_amount', 6) }} as surcharge_amount,
    {{ smokeball.decimal('billable_amount_exc_tax - discount_amount', 6) }} as net_amount,
    {{ smokeball.decimal("case when entry_state = 'billed' then coalesce(" ~ smokeball.ratio(
        '(billable_amount_exc_tax - discount_amount) * paid_exc_interest_amount', 'payable_amount', 6) ~ ", 0) else 0 end", 6) }}
        as collected_amount
from adjustments
