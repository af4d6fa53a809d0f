{#
  Payments name a matter but no invoice. The payments of a matter that were not reversed fill the paid amounts of its
  issued invoices, the oldest first. A part without an invoice has a null invoice.
#}
with payments as (
    select
        source_relation,
        matter_id,
        transaction_id,
        is_credit,
        amount,
        sum(amount) over (
            partition by source_relation, matter_id order by effective_date, transaction_id
            rows between unbounded preceding and current row
        ) as until_amount
    from {{ ref('int_smokeball__receipts') }}
    where not is_reversal and not is_reversed and amount > 0
),

invoices as (
    select
        source_relation,
        matter_id,
        invoice_id,
        paid_amount,
        sum(paid_amount) over (
            partition by source_relation, matter_id order by issued_date, invoice_number, invoice_id
            rows between unbounded preceding and current row
        ) as until_amount
    from {{ ref('int_smokeball__invoice_amounts') }}
    where is_issued and paid_amount > 0
),

matched as (
    select
        payments.source_relation,
        payments.transaction_id,
        payments.is_credit,
        invoices.invoice_id,
        least(payments.until_amount, invoices.until_amount)
            - greatest(payments.until_amount - payments.amount, invoices.until_amount - invoices.paid_amount) as amount
    from payments
    inner join invoices
        on {{ smokeball.same('invoices', 'payments', ['matter_id']) }}
        and invoices.until_amount > payments.until_amount - payments.amount
        and invoices.until_amount - invoices.paid_amount < payments.until_amount
),

matched_sums as (
    select source_relation, transaction_id, sum(amount) as amount from matched group by source_relation, transaction_id
)

select source_relation, transaction_id, invoice_id, is_credit, {{ smokeball.money('amount') }} as amount from matched
union all
select
    payments.source_relation,
    payments.transaction_id,
    cast(null as {{ dbt.type_string() }}) as invoice_id,
    payments.is_credit,
    {{ smokeball.money('payments.amount - coalesce(matched_sums.amount, 0)') }} as amount
from payments
left join matched_sums on {{ smokeball.same('matched_sums', 'payments', ['transaction_id']) }}
where payments.amount <> coalesce(matched_sums.amount, 0)
