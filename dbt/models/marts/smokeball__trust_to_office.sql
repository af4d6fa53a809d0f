-- Trust money that may move to the office account now: available in trust, up to the unpaid issued invoices of the matter.
with available as (
    select source_relation, matter_id, sum(available_balance) as available_amount
    from {{ ref('smokeball__trust_balances') }}
    where account_type = 'Trust' and available_balance > 0 and matter_id is not null
    group by source_relation, matter_id
),

owed as (
    select source_relation, matter_id, sum(unpaid_amount) as unpaid_amount, count(*) as unpaid_invoices, min(issued_date) as oldest_issued_date
    from {{ ref('smokeball__invoices') }}
    where is_issued and unpaid_amount > 0
    group by source_relation, matter_id
)

select
    available.source_relation,
    available.matter_id,
    matters.matter_number,
    matters.title,
    matters.status as matter_status,
    matters.client_name,
    matters.person_responsible,
    available.available_amount,
    owed.unpaid_invoices,
    owed.oldest_issued_date,
    owed.unpaid_amount,
    {{ smokeball.money('least(available.available_amount, owed.unpaid_amount)') }} as transferable_amount,
    {{ smokeball.currency('available.source_relation') }} as currency
from available
inner join owed on {{ smokeball.same('owed', 'available', ['matter_id']) }}
left join {{ ref('smokeball__matters') }} as matters on {{ smokeball.same('matters', 'available', ['matter_id']) }}
where not coalesce(matters.is_deleted, false)
