-- Fees, work in progress, trust money and debts by client: the first client of each matter.
with fees as (
    select matters.source_relation, matters.client_id, sum(profit.recorded_amount) as recorded_amount, sum(profit.wip_amount) as wip_amount,
        sum(profit.billed_amount) as billed_amount, sum(profit.collected_amount) as collected_amount
    from {{ ref('smokeball__matter_profitability') }} as profit
    inner join {{ ref('smokeball__matters') }} as matters on {{ smokeball.same('matters', 'profit', ['matter_id']) }}
    group by matters.source_relation, matters.client_id
),

trust as (
    select matters.source_relation, matters.client_id, sum(balances.balance) as trust_balance
    from {{ ref('smokeball__trust_balances') }} as balances
    inner join {{ ref('smokeball__matters') }} as matters on {{ smokeball.same('matters', 'balances', ['matter_id']) }}
    where balances.account_type in ('Trust', 'ControlledMoney')
    group by matters.source_relation, matters.client_id
)

select
    clients.source_relation,
    clients.contact_id,
    clients.contact_name,
    clients.matters,
    clients.active_matters,
    coalesce(fees.recorded_amount, 0) as recorded_amount,
    coalesce(fees.wip_amount, 0) as wip_amount,
    coalesce(fees.billed_amount, 0) as billed_amount,
    coalesce(fees.collected_amount, 0) as collected_amount,
    coalesce(trust.trust_balance, 0) as trust_balance,
    clients.owed_amount,
    clients.overdue_amount,
    {{ smokeball.currency('clients.source_relation') }} as currency
from {{ ref('smokeball__clients') }} as clients
left join fees on fees.source_relation = clients.source_relation and fees.client_id = clients.contact_id
left join trust on trust.source_relation = clients.source_relation and trust.client_id = clients.contact_id
