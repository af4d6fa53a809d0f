with credits as (
    select
        source_relation,
        invoice_id,
        sum(case when is_credit then amount else 0 end) as credit_amount,
        sum(case when is_credit then 0 else amount end) as cash_amount
    from {{ ref('int_smokeball__receipt_allocation') }}
    where invoice_id is not null
    group by source_relation, invoice_id
)

select
    amounts.*,
    {{ smokeball.money('coalesce(credits.credit_amount, 0)') }} as paid_by_credit_amount,
    {{ smokeball.money('coalesce(credits.cash_amount, 0)') }} as paid_by_cash_amount,
    {{ smokeball.days_between('coalesce(amounts.due_date, amounts.issued_date)', smokeball.as_of()) }} as days_overdue,
    {{ smokeball.days_between('amounts.issued_date', smokeball.as_of()) }} as days_since_issue,
    {{ smokeball.currency('amounts.source_relation') }} as currency
from {{ ref('int_smokeball__invoice_amounts') }} as amounts
left join credits on {{ smokeball.same('credits', 'amounts', ['invoice_id']) }}
