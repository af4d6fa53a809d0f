with parts as (
    select
        receipts.source_relation,
        receipts.transaction_id,
        sum({{ smokeball.ratio('allocated.amount * invoices.net_fee_amount', 'invoices.payable_amount', 6) }}) as fee_amount,
        sum({{ smokeball.ratio('allocated.amount * invoices.net_cost_amount', 'invoices.payable_amount', 6) }}) as cost_amount,
        sum({{ smokeball.ratio('allocated.amount * invoices.tax_amount', 'invoices.payable_amount', 6) }}) as tax_amount,
        sum(case when allocated.invoice_id is null then allocated.amount else 0 end) as unallocated_amount
    from {{ ref('int_smokeball__receipts') }} as receipts
    inner join {{ ref('int_smokeball__receipt_allocation') }} as allocated
        on {{ smokeball.same('allocated', 'receipts', ['transaction_id']) }}
    left join {{ ref('int_smokeball__invoice_amounts') }} as invoices
        on {{ smokeball.same('invoices', 'allocated', ['invoice_id']) }}
    group by receipts.source_relation, receipts.transaction_id
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
