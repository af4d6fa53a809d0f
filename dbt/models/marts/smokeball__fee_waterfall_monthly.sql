-- What became of the fees of each month: by month of the work, timekeeper and matter.
select
    entries.source_relation,
    entries.work_month as month,
    entries.staff_id,
    entries.matter_id,
    matters.practice_area,
    sum(entries.amount_exc_tax) as recorded_amount,
    sum(entries.amount_exc_tax - entries.billable_amount_exc_tax) as non_billable_amount,
    {{ smokeball.sum_if("entries.entry_state in ('wip', 'on_draft')", 'entries.billable_amount_exc_tax') }} as wip_amount,
    {{ smokeball.sum_if("entries.entry_state = 'written_off_unbilled'", 'entries.billable_amount_exc_tax') }} as written_off_unbilled_amount,
    {{ smokeball.sum_if("entries.entry_state = 'written_off_on_bill'", 'entries.billable_amount_exc_tax') }} as written_off_on_bill_amount,
    {{ smokeball.sum_if("entries.entry_state = 'billed_elsewhere'", 'entries.billable_amount_exc_tax') }} as billed_elsewhere_amount,
    {{ smokeball.sum_if("entries.entry_state = 'orphaned'", 'entries.billable_amount_exc_tax') }} as orphaned_amount,
    {{ smokeball.sum_if("entries.entry_state = 'billed'", 'entries.billable_amount_exc_tax') }} as gross_billed_amount,
    {{ smokeball.sum_if("entries.entry_state = 'billed'", 'allocation.discount_amount', 6) }} as discount_amount,
    {{ smokeball.sum_if("entries.entry_state = 'billed'", 'allocation.net_amount', 6) }} as billed_amount,
    {{ smokeball.sum_if("entries.entry_state = 'billed'", 'allocation.collected_amount', 6) }} as collected_amount,
    {{ smokeball.currency('entries.source_relation') }} as currency
from {{ ref('int_smokeball__entries') }} as entries
left join {{ ref('int_smokeball__entry_allocation') }} as allocation
    on {{ smokeball.same('allocation', 'entries', ['entry_id']) }}
left join {{ ref('smokeball__matters') }} as matters on {{ smokeball.same('matters', 'entries', ['matter_id']) }}
where entries.entry_kind = 'fee' and entries.entry_state not in ('deleted', 'template')
group by entries.source_relation, entries.work_month, entries.staff_id, entries.matter_id, matters.practice_area
