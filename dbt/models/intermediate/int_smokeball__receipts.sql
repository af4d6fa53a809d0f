{#
  Payments of invoices, and their reversals as negative amounts. Client credit is not cash: credit memos pay invoices,
  but no money arrives.
#}
select
    transactions.source_relation,
    transactions.transaction_id,
    transactions.bank_account_id,
    accounts.type as account_type,
    transactions.matter_id,
    transactions.payor_id,
    transactions.type as transaction_type,
    transactions.effective_date,
    {{ smokeball.month_of('transactions.effective_date') }} as received_month,
    transactions.entered_at,
    coalesce(accounts.type, '') = 'Credit' as is_credit,
    transactions.is_reversed,
    transactions.type = 'InvoicePaymentReversal' as is_reversal,
    {{ smokeball.money("case when transactions.type = 'InvoicePayment' then transactions.amount else -transactions.amount end") }} as amount
from {{ ref('stg_smokeball__transactions') }} as transactions
left join {{ ref('stg_smokeball__bank_accounts') }} as accounts
    on {{ smokeball.same('accounts', 'transactions', ['bank_account_id']) }}
where transactions.type in ('InvoicePayment', 'InvoicePaymentReversal') and not transactions.is_deleted
