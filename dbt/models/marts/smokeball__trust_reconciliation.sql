{#
  By account: the ledgers of the matters, their movements, the book balance, and the bank statement with deposits that
  the bank had not booked and cheques that were not presented. The statement is a seed; without it the third leg is
  null. An account is reconciled if all legs that are known agree and no ledger is negative.
#}
with ledgers as (
    select
        source_relation,
        bank_account_id,
        sum(balance) as ledger_balance,
        sum(moved_amount) as moved_amount,
        sum(unpresented_cheques_balance) as unpresented_cheques,
        count(case when is_overdrawn then 1 end) as overdrawn_ledgers,
        sum(case when is_overdrawn then balance else 0 end) as overdrawn_amount,
        count(case when difference <> 0 or unknown_movements > 0 then 1 end) as ledgers_with_difference,
        cast(sum(unknown_movements) as {{ dbt.type_bigint() }}) as unknown_movements,
        count(*) as ledgers
    from {{ ref('smokeball__trust_balances') }}
    group by source_relation, bank_account_id
),

statements as (
    select
        *,
        row_number() over (partition by bank_account_id order by statement_date desc) as newest_first
    from {{ ref('smokeball_bank_statements') }}
    where statement_date <= {{ smokeball.as_of() }}
),

until_statement as (
    select movements.source_relation, movements.bank_account_id, sum(movements.amount) as moved_until_statement
    from {{ ref('int_smokeball__trust_movements') }} as movements
    inner join statements
        on statements.bank_account_id = movements.bank_account_id and statements.newest_first = 1
        and movements.effective_date <= statements.statement_date
    group by movements.source_relation, movements.bank_account_id
),

legs as (
    select
        accounts.source_relation,
        {{ smokeball.as_of() }} as as_of,
        accounts.bank_account_id,
        accounts.account_name,
        accounts.type as account_type,
        coalesce(accounts.status, 0) = 1 as is_account_closed,
        coalesce(ledgers.ledgers, 0) as ledgers,
        {{ smokeball.money('coalesce(ledgers.ledger_balance, 0)') }} as ledger_balance,
        {{ smokeball.money('coalesce(ledgers.moved_amount, 0)') }} as moved_amount,
        accounts.balance as book_balance,
        {{ smokeball.money('coalesce(ledgers.unpresented_cheques, 0)') }} as unpresented_cheques,
        statements.statement_date,
        statements.closing_balance as statement_balance,
        statements.deposits_in_transit,
        case when statements.statement_date is not null then coalesce(until_statement.moved_until_statement, 0) end as moved_until_statement,
        coalesce(ledgers.overdrawn_ledgers, 0) as overdrawn_ledgers,
        {{ smokeball.money('coalesce(ledgers.overdrawn_amount, 0)') }} as overdrawn_amount,
        coalesce(ledgers.ledgers_with_difference, 0) as ledgers_with_difference,
        coalesce(ledgers.unknown_movements, 0) as unknown_movements
    from {{ ref('stg_smokeball__bank_accounts') }} as accounts
    left join ledgers on {{ smokeball.same('ledgers', 'accounts', ['bank_account_id']) }}
    left join statements on statements.bank_account_id = accounts.bank_account_id and statements.newest_first = 1
    left join until_statement on {{ smokeball.same('until_statement', 'accounts', ['bank_account_id']) }}
    where not accounts.is_deleted
),

differences as (
    select
        *,
        {{ smokeball.money('book_balance - ledger_balance') }} as book_difference,
        {{ smokeball.money('ledger_balance - moved_amount') }} as movement_difference,
        {{ smokeball.money('statement_balance + coalesce(deposits_in_transit, 0) - unpresented_cheques - moved_until_statement') }}
            as statement_difference
    from legs
)

select
    *,
    coalesce(book_difference, 0) = 0 and movement_difference = 0 and coalesce(statement_difference, 0) = 0
        and overdrawn_ledgers = 0 and ledgers_with_difference = 0 as is_reconciled,
    {{ smokeball.currency() }} as currency
from differences
