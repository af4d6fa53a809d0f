select
    entries.source_relation,
    entries.entry_id,
    entries.matter_id,
    entries.staff_id,
    entries.invoice_id,
    entries.work_date,
    entries.work_month,
    entries.activity_code,
    entries.subject,
    entries.is_time,
    entries.entry_state,
    entries.minutes,
    entries.billable_minutes,
    entries.worked_minutes,
    entries.rate,
    entries.amount_exc_tax,
    entries.billable_amount_exc_tax,
    case when entries.entry_state in ('wip', 'on_draft') then entries.billable_amount_exc_tax else 0 end as wip_amount,
    coalesce(allocation.discount_amount, 0) as discount_amount,
    case when entries.entry_state = 'billed' then coalesce(allocation.net_amount, entries.billable_amount_exc_tax) else 0 end
        as billed_amount,
    coalesce(allocation.collected_amount, 0) as collected_amount,
    {{ smokeball.days_between('entries.work_date', smokeball.as_of()) }} as age_days,
    {{ smokeball.currency('entries.source_relation') }} as currency
from {{ ref('int_smokeball__entries') }} as entries
left join {{ ref('int_smokeball__entry_allocation') }} as allocation
    on {{ smokeball.same('allocation', 'entries', ['entry_id']) }}
where entries.entry_kind = 'fee'
