{#
  Payments of bills, and their parts for fees, costs and tax. A payment of interest is in none of them: of a bill that
  was paid with its interest, each payment has its share.
#}
with paid as (
    select
        allocated.source_relation,
        allocated.transaction_id,
        allocated.invoice_id,
        allocated.amount,
        invoices.net_fee_amount,
        invoices.net_cost_amount,
        invoices.tax_amount,
        invoices.payable_amount,
        coalesce({{ smokeball.ratio('allocated.amount * invoices.paid_exc_interest_amount', 'invoices.paid_amount', 6) }}, allocated.amount)
            as amount_exc_interest
    from {{ ref('int_smokeball__receipt_allocation') }} as allocated
    left join {{ ref('int_smokeball__invoice_amounts') }} as invoices
        on {{ smokeball.same('invoices', 'allocated', ['invoice_id']) }}
),

parts as (
    select
        source_relation,
        transaction_id,
        sum({{ smokeball.ratio('amount_exc_interest * net_fee_amount', 'payable_amount', 6) }}) as fee_amount,
        sum({{ smokeball.ratio('amount_exc_interest * net_cost_amount', 'payable_amount', 6) }}) as cost_amount,
        sum({{ smokeball.ratio('amount_exc_interest * tax_amount', 'payable_amount', 6) }}) as tax_amount,
        sum(case when invoice_id is null then amount else 0 end) as unallocated_amount
    from paid
    group by source_relation, transaction_id
)

select
    receipts.*,
    {{ smokeball.money('case when receipts.is_credit then 0 else receipts.amount end') }} as cash_amount,
    {{ smokeball.money('case when receipts.is_credit then receipts.amount else 0 end') }} as credit_amount,
    {{ smokeball.money('coalesce(parts.fee_amount, 0)') }} as fee_amount,
    {{ smokeball.money('coalesce(parts.cost_amount, 0)') }} as cost_amount,
    {{ smokeball.money('coalesce(parts.tax_amount, 0)') }} as tax_amount,
    {{ smokeball.money('coalesce(parts.unallocated_amount, 0)') }} as unallocated_amount,
    {{ smokeball.currency('receipts.source_relation') }} as currency
from {{ ref('int_smokeball__receipts') }} as receipts
left join parts on {{ smokeball.same('parts', 'receipts', ['transaction_id']) }}
