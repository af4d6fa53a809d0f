{#
  Hours, capacity and fees of each fee earner by month: hours and their value by the month of the work, billed fees by
  the month of issue. Days and entries count up to the report's date: an entry of a later day waits for it. Utilization
  is billable hours of available hours; a partly billable entry counts with its billable parts. There is no target
  before the month of the first time entry, nor after that of the last one of who has left.
#}
with capacity as (
    select source_relation, staff_id, month, sum(available_hours) as available_hours
    from {{ ref('int_smokeball__timekeeper_days') }}
    group by source_relation, staff_id, month
),

rates as (
    select source_relation, staff_id, rate, dbt_valid_from, dbt_valid_to,
        row_number() over (partition by source_relation, staff_id order by dbt_valid_from) as version_number
    from {{ ref('snap_smokeball__staff') }}
),

entries as (
    select
        entries.*,
        {#- Before the first load, the first known rate stands for the standard rate. #}
        rates.rate as standard_rate
    from {{ ref('int_smokeball__entries') }} as entries
    left join rates
        on {{ smokeball.same('rates', 'entries', ['staff_id']) }}
        and (rates.version_number = 1 or cast(rates.dbt_valid_from as date) <= entries.work_date)
        and (rates.dbt_valid_to is null or cast(rates.dbt_valid_to as date) > entries.work_date)
    where entries.entry_kind = 'fee' and entries.entry_state not in ('deleted', 'template')
        and entries.work_date <= {{ smokeball.as_of() }}
),

worked as (
    select
        source_relation,
        staff_id,
        work_month as month,
        sum(minutes) as minutes,
        sum(billable_minutes) as billable_minutes,
        sum(worked_minutes) as worked_minutes,
        sum(amount_exc_tax) as recorded_amount,
        sum(billable_amount_exc_tax) as billable_amount,
        sum(case when is_time then billable_amount_exc_tax else 0 end) as billable_time_amount,
        sum(case when is_time and standard_rate is not null then amount_exc_tax else 0 end) as rated_amount,
        sum(case when is_time then minutes * standard_rate / 60 else 0 end) as standard_amount,
        {{ smokeball.sum_if("entry_state in ('wip', 'on_draft')", 'billable_amount_exc_tax') }} as wip_amount
    from entries
    group by source_relation, staff_id, work_month
),

billed as (
    select
        entries.source_relation,
        entries.staff_id,
        invoices.issued_month as month,
        sum(entries.billable_amount_exc_tax) as gross_billed_amount,
        {{ smokeball.sum_if("entries.entry_state = 'billed'", 'allocation.net_amount') }} as billed_amount,
        {{ smokeball.sum_if("entries.entry_state = 'billed'", 'allocation.collected_amount') }} as collected_amount
    from {{ ref('int_smokeball__entries') }} as entries
    inner join {{ ref('int_smokeball__invoice_amounts') }} as invoices
        on {{ smokeball.same('invoices', 'entries', ['invoice_id']) }}
    left join {{ ref('int_smokeball__entry_allocation') }} as allocation
        on {{ smokeball.same('allocation', 'entries', ['entry_id']) }}
    where entries.entry_kind = 'fee' and entries.entry_state in ('billed', 'written_off_on_bill')
    group by entries.source_relation, entries.staff_id, invoices.issued_month
),

keys as (
    select source_relation, staff_id, month from capacity
    union all
    select source_relation, staff_id, month from worked
    union all
    select source_relation, staff_id, month from billed
),

months as (
    select distinct source_relation, staff_id, month from keys where month is not null and staff_id is not null
),

joined as (
    select
        months.source_relation,
        months.staff_id,
        months.month,
        staff.staff_name,
        staff.role,
        staff.is_former,
        coalesce(staff.is_fee_earner, false) as is_fee_earner,
        staff.is_principal,
        {{ smokeball.money('coalesce(capacity.available_hours, 0)') }} as available_hours,
        {{ smokeball.ratio('coalesce(worked.minutes, 0)', '60') }} as hours,
        {{ smokeball.ratio('coalesce(worked.billable_minutes, 0)', '60') }} as billable_hours,
        {{ smokeball.ratio('coalesce(worked.worked_minutes, 0)', '60') }} as worked_hours,
        coalesce(worked.billable_minutes, 0) as billable_minutes,
        {#- A bill may follow after someone left, and a flat fee may precede the first time entry. #}
        case
            when months.month >= {{ smokeball.month_of('staff.first_entry_date') }}
                and months.month <= case when staff.is_former then staff.last_entry_date else {{ smokeball.as_of() }} end
                then staff.target_hours
        end as target_hours,
        staff.target_fees,
        {{ smokeball.money('coalesce(worked.recorded_amount, 0)') }} as recorded_amount,
        {{ smokeball.money('coalesce(worked.billable_amount, 0)') }} as billable_amount,
        {{ smokeball.money('coalesce(worked.standard_amount, 0)') }} as standard_amount,
        worked.rated_amount,
        worked.billable_time_amount,
        {{ smokeball.money('coalesce(worked.wip_amount, 0)') }} as wip_amount,
        {{ smokeball.money('coalesce(billed.gross_billed_amount, 0)') }} as gross_billed_amount,
        {{ smokeball.money('coalesce(billed.billed_amount, 0)') }} as billed_amount,
        {{ smokeball.money('coalesce(billed.collected_amount, 0)') }} as collected_amount
    from months
    left join {{ ref('smokeball__staff') }} as staff on {{ smokeball.same('staff', 'months', ['staff_id']) }}
    left join capacity on {{ smokeball.same('capacity', 'months', ['staff_id', 'month']) }}
    left join worked on {{ smokeball.same('worked', 'months', ['staff_id', 'month']) }}
    left join billed on {{ smokeball.same('billed', 'months', ['staff_id', 'month']) }}
)

select
    joined.source_relation,
    joined.staff_id,
    joined.month,
    joined.staff_name,
    joined.role,
    joined.is_former,
    joined.is_fee_earner,
    joined.is_principal,
    joined.available_hours,
    joined.hours,
    joined.billable_hours,
    joined.worked_hours,
    joined.target_hours,
    {{ smokeball.ratio('joined.billable_minutes / 60.0', 'joined.target_hours') }} as target_share,
    {{ smokeball.ratio('joined.billable_minutes / 60.0', 'case when joined.is_fee_earner then joined.available_hours end') }} as utilization,
    joined.recorded_amount,
    joined.billable_amount,
    joined.standard_amount,
    {{ smokeball.ratio('joined.rated_amount', 'joined.standard_amount') }} as rate_realization,
    joined.wip_amount,
    joined.gross_billed_amount,
    joined.billed_amount,
    {{ smokeball.ratio('joined.billed_amount', 'joined.gross_billed_amount') }} as realization,
    joined.collected_amount,
    {{ smokeball.ratio('joined.billable_time_amount', 'joined.billable_minutes / 60.0', 2) }} as effective_rate,
    joined.target_fees,
    last_year.billable_hours as billable_hours_last_year,
    last_year.billed_amount as billed_amount_last_year,
    {{ smokeball.currency('joined.source_relation') }} as currency
from joined
left join joined as last_year
    on {{ smokeball.same('last_year', 'joined', ['staff_id']) }}
    and last_year.month = {{ smokeball.date_plus('month', -12, 'joined.month') }}
