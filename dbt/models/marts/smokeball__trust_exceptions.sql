{#
  What is wrong or unusual with money held for clients, the gravest first (priority 1). Trust and controlled money,
  except that differences are shown for all accounts. A protected balance is a note, not an error.
#}
with balances as (
    select * from {{ ref('smokeball__trust_balances') }}
),

found as (
    select source_relation, bank_account_id, matter_id, 1 as priority, 'overdrawn' as exception_type, balance as amount, last_movement_date as since_date
    from balances
    where is_overdrawn and account_type in ('Trust', 'ControlledMoney')
    union all
    select source_relation, bank_account_id, cast(null as {{ dbt.type_string() }}) as matter_id, 2, 'book differs from ledgers', book_difference, as_of
    from {{ ref('smokeball__trust_reconciliation') }}
    where book_difference <> 0 and account_type in ('Trust', 'ControlledMoney')
    union all
    select source_relation, bank_account_id, cast(null as {{ dbt.type_string() }}) as matter_id, 2, 'statement differs from book', statement_difference, statement_date
    from {{ ref('smokeball__trust_reconciliation') }}
    where statement_difference <> 0
    union all
    select source_relation, bank_account_id, matter_id, 2, 'ledger differs from movements', difference, last_movement_date
    from balances
    where difference <> 0
    union all
    select source_relation, bank_account_id, matter_id, 2, 'unknown type of movement', cast(unknown_movements as {{ smokeball.type_decimal(2) }}), last_movement_date
    from balances
    where unknown_movements > 0
    union all
    select source_relation, bank_account_id, matter_id, 3, 'unmatched reversal', amount, effective_date
    from {{ ref('int_smokeball__trust_movements') }}
    where is_unmatched_reversal
    union all
    select source_relation, bank_account_id, matter_id, 3, 'money on a matter that is not open', balance, last_movement_date
    from balances
    where balance > 0 and account_type in ('Trust', 'ControlledMoney') and coalesce(matter_status, '') in ('Closed', 'Cancelled', 'Deleted')
    union all
    select source_relation, bank_account_id, matter_id, 3, 'money in a closed account', balance, last_movement_date
    from balances
    where balance <> 0 and is_account_closed
    union all
    select source_relation, bank_account_id, matter_id, 4, 'idle for a year', balance, last_movement_date
    from balances
    where balance > 0 and account_type in ('Trust', 'ControlledMoney')
        and last_movement_date < {{ smokeball.date_plus('day', -365, smokeball.as_of()) }}
    union all
    select source_relation, bank_account_id, matter_id, 5, 'protected', protected_balance, last_movement_date
    from balances
    where protected_balance <> 0 and account_type in ('Trust', 'ControlledMoney')
)

select
    found.source_relation,
    found.priority,
    found.exception_type,
    found.bank_account_id,
    accounts.account_name,
    accounts.type as account_type,
    found.matter_id,
    matters.matter_number,
    matters.title,
    matters.status as matter_status,
    matters.client_name,
    matters.person_responsible,
    {{ smokeball.money('found.amount') }} as amount,
    found.since_date,
    {{ smokeball.currency('found.source_relation') }} as currency
from found
left join {{ ref('stg_smokeball__bank_accounts') }} as accounts on {{ smokeball.same('accounts', 'found', ['bank_account_id']) }}
left join {{ ref('smokeball__matters') }} as matters on {{ smokeball.same('matters', 'found', ['matter_id']) }}
