-- Active matters without any activity for a while, with the money that waits on them.
with wip as (
    select source_relation, matter_id, sum(total) as wip_amount
    from {{ ref('smokeball__wip_ageing') }}
    group by source_relation, matter_id
),

trust as (
    select source_relation, matter_id, sum(balance) as trust_balance
    from {{ ref('smokeball__trust_balances') }}
    where account_type in ('Trust', 'ControlledMoney')
    group by source_relation, matter_id
)

select
    matters.source_relation,
    matters.matter_id,
    matters.matter_number,
    matters.title,
    matters.status as matter_status,
    matters.practice_area,
    matters.client_name,
    matters.person_responsible,
    matters.last_activity_date,
    matters.last_activity_kind,
    matters.idle_days,
    coalesce(wip.wip_amount, 0) as wip_amount,
    coalesce(trust.trust_balance, 0) as trust_balance,
    {{ smokeball.currency('matters.source_relation') }} as currency
from {{ ref('smokeball__matters') }} as matters
left join wip on {{ smokeball.same('wip', 'matters', ['matter_id']) }}
left join trust on {{ smokeball.same('trust', 'matters', ['matter_id']) }}
where matters.is_active and matters.idle_days >= {{ var('smokeball__idle_days') }}
