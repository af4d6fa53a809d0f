{#
  The ledger of each matter in each account, and the sum of its movements. Negative ledgers first. Operating accounts
  are included: their balances by matter are retainers that the firm owes to clients.
#}
with ledgers as (
    select
        source_relation,
        bank_account_id,
        matter_id,
        balance,
        protected_balance,
        available_balance,
        unpresented_cheques_balance,
        last_updated_at
    from {{ ref('stg_smokeball__matter_balances') }}
    where not is_deleted
),

moved as (
    select
        source_relation,
        bank_account_id,
        matter_id,
        count(*) as movements,
        count(case when is_unknown then 1 end) as unknown_movements,
        sum(amount) as moved_amount,
        max(effective_date) as last_movement_date
    from {{ ref('int_smokeball__trust_movements') }}
    group by source_relation, bank_account_id, matter_id
),

keys as (
    select source_relation, bank_account_id, coalesce(matter_id, '') as matter_key from ledgers
    union all
    select source_relation, bank_account_id, coalesce(matter_id, '') as matter_key from moved
),

pairs as (
    select distinct source_relation, bank_account_id, matter_key from keys
)

select
    pairs.source_relation,
    {{ smokeball.as_of() }} as as_of,
    pairs.bank_account_id,
    accounts.account_name,
    accounts.type as account_type,
    coalesce(accounts.status, 0) = 1 as is_account_closed,
    nullif(pairs.matter_key, '') as matter_id,
    matters.matter_number,
    matters.title,
    matters.status as matter_status,
    matters.is_lead,
    matters.client_id,
    matters.client_name,
    matters.person_responsible,
    coalesce(ledgers.balance, 0) as balance,
    coalesce(ledgers.protected_balance, 0) as protected_balance,
    coalesce(ledgers.available_balance, 0) as available_balance,
    coalesce(ledgers.unpresented_cheques_balance, 0) as unpresented_cheques_balance,
    coalesce(moved.movements, 0) as movements,
    coalesce(moved.unknown_movements, 0) as unknown_movements,
    coalesce(moved.moved_amount, 0) as moved_amount,
    coalesce(ledgers.balance, 0) - coalesce(moved.moved_amount, 0) as difference,
    coalesce(ledgers.balance, 0) < 0 as is_overdrawn,
    moved.last_movement_date,
    ledgers.last_updated_at,
    {{ smokeball.currency('pairs.source_relation') }} as currency
from pairs
left join ledgers
    on {{ smokeball.same('ledgers', 'pairs', ['bank_account_id']) }} and coalesce(ledgers.matter_id, '') = pairs.matter_key
left join moved
    on {{ smokeball.same('moved', 'pairs', ['bank_account_id']) }} and coalesce(moved.matter_id, '') = pairs.matter_key
left join {{ ref('stg_smokeball__bank_accounts') }} as accounts
    on {{ smokeball.same('accounts', 'pairs', ['bank_account_id']) }}
left join {{ ref('smokeball__matters') }} as matters
    on matters.source_relation = pairs.source_relation and matters.matter_id = pairs.matter_key
