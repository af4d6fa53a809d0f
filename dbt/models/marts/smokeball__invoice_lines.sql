select
    lines.source_relation,
    lines.invoice_id,
    lines.entry_number,
    lines.entry_id,
    entries.entry_kind,
    entries.entry_state,
    entries.matter_id,
    entries.staff_id,
    entries.work_date,
    entries.billable_amount_exc_tax,
    coalesce(allocation.discount_amount, 0) as discount_amount,
    case when entries.entry_state = 'billed' then coalesce(allocation.net_amount, entries.billable_amount_exc_tax) else 0 end
        as billed_amount,
    coalesce(allocation.collected_amount, 0) as collected_amount,
    {{ smokeball.currency('lines.source_relation') }} as currency
from {{ ref('stg_smokeball__invoice_entries') }} as lines
left join {{ ref('int_smokeball__entries') }} as entries
    on {{ smokeball.same('entries', 'lines', ['entry_id']) }}
left join {{ ref('int_smokeball__entry_allocation') }} as allocation
    on {{ smokeball.same('allocation', 'lines', ['entry_id']) }}
