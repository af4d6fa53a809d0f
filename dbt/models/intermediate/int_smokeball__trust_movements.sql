{#
  The transactions of all accounts with their signs, and the balance of a matter in an account after each. Amounts are
  positive and the type says the sign, but a transfer is signed. An unknown type counts 0 and is marked.
#}
with movements as (
    select
        transactions.source_relation,
        transactions.transaction_id,
        transactions.bank_account_id,
        accounts.type as account_type,
        accounts.account_name,
        transactions.matter_id,
        transactions.payor_id,
        transactions.type as transaction_type,
        transactions.effective_date,
        transactions.entered_at,
        transactions.reference,
        transactions.is_reversed,
        transactions.reversed_from_transaction_id,
        transactions.reversed_to_transaction_id,
        coalesce(signs.is_reversal, false) as is_reversal,
        signs.transaction_type is null
            {%- if not var('smokeball__transfer_is_signed') %} or transactions.type = 'Transfer'{% endif %} as is_unknown,
        cast(
            case
                {%- if not var('smokeball__transfer_is_signed') %}
                when transactions.type = 'Transfer' then 0
                {%- endif %}
                when signs.transaction_type is null then 0
                else transactions.amount * signs.sign
            end as {{ smokeball.type_decimal(2) }}
        ) as amount
    from {{ ref('stg_smokeball__transactions') }} as transactions
    left join {{ ref('stg_smokeball__bank_accounts') }} as accounts
        on {{ smokeball.same('accounts', 'transactions', ['bank_account_id']) }}
    left join {{ ref('smokeball_transaction_signs') }} as signs on signs.transaction_type = transactions.type
    where not transactions.is_deleted
)

select
    movements.*,
    {# Both halves of a reversal name each other, and cancel out. #}
    (
        movements.is_reversal
        and (other.transaction_id is null or other.amount + movements.amount <> 0)
    ) or (
        movements.is_reversed and not movements.is_reversal and back.transaction_id is null
    ) as is_unmatched_reversal,
    cast(
        sum(movements.amount) over (
            partition by movements.source_relation, movements.bank_account_id, movements.matter_id
            order by movements.effective_date, movements.entered_at, movements.transaction_id
            rows between unbounded preceding and current row
        ) as {{ smokeball.type_decimal(2) }}
    ) as balance_after
from movements
left join movements as other
    on {{ smokeball.same('other', 'movements', ['bank_account_id']) }}
    and other.transaction_id = movements.reversed_from_transaction_id
left join movements as back
    on {{ smokeball.same('back', 'movements', ['bank_account_id']) }}
    and back.transaction_id = movements.reversed_to_transaction_id
