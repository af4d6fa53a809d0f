{#
  Collected fees less the cost of the hours and of soft costs that were written off. Smokeball has no costs of staff:
  without the seed smokeball_staff_costs, cost and profit are null.
#}
with costs as (
    select
        entries.source_relation,
        entries.matter_id,
        sum(entries.worked_minutes) as worked_minutes,
        count(case when entries.is_time and costs.annual_cost is null and entries.worked_minutes > 0 then 1 end) as entries_without_cost,
        sum(entries.worked_minutes / 60.0 * costs.annual_cost / (52 * 5 * {{ var('smokeball__hours_per_day') }})) as staff_cost
    from {{ ref('int_smokeball__entries') }} as entries
    left join (
        select
            staff_id,
            annual_cost,
            valid_from,
            lead(valid_from) over (partition by staff_id order by valid_from) as valid_to
        from {{ ref('smokeball_staff_costs') }}
    ) as costs
        on costs.staff_id = entries.staff_id
        and costs.valid_from <= entries.work_date
        and (costs.valid_to is null or costs.valid_to > entries.work_date)
    where entries.entry_state not in ('deleted', 'template')
    group by entries.source_relation, entries.matter_id
),

fees as (
    select source_relation, matter_id, sum(billed_amount) as billed_amount, sum(collected_amount) as collected_amount,
        sum(recorded_amount) as recorded_amount, sum(wip_amount) as wip_amount
    from {{ ref('smokeball__fee_waterfall_monthly') }}
    group by source_relation, matter_id
),

soft as (
    select source_relation, matter_id,
        {{ smokeball.sum_if("cost_type = 'Soft' and entry_state in ('written_off_on_bill', 'written_off_unbilled', 'non_billable')", 'amount_exc_tax') }} as soft_costs_lost
    from {{ ref('int_smokeball__entries') }}
    where entry_kind = 'expense'
    group by source_relation, matter_id
)

select
    fees.source_relation,
    {{ smokeball.as_of() }} as as_of,
    fees.matter_id,
    matters.matter_number,
    matters.title,
    matters.status as matter_status,
    coalesce(matters.status, '') = 'Closed' as is_closed,
    matters.practice_area,
    matters.client_id,
    matters.client_name,
    {{ smokeball.ratio('coalesce(costs.worked_minutes, 0)', '60', 2) }} as worked_hours,
    fees.recorded_amount,
    fees.wip_amount,
    {{ smokeball.money('fees.billed_amount') }} as billed_amount,
    {{ smokeball.money('fees.collected_amount') }} as collected_amount,
    {{ smokeball.money('coalesce(soft.soft_costs_lost, 0)') }} as soft_costs_lost,
    {{ smokeball.money('case when costs.entries_without_cost = 0 then coalesce(costs.staff_cost, 0) end') }} as staff_cost,
    {{ smokeball.money('case when costs.entries_without_cost = 0
        then fees.collected_amount - coalesce(costs.staff_cost, 0) - coalesce(soft.soft_costs_lost, 0) end') }} as profit,
    {{ smokeball.currency('fees.source_relation') }} as currency
from fees
left join costs on {{ smokeball.same('costs', 'fees', ['matter_id']) }}
left join soft on {{ smokeball.same('soft', 'fees', ['matter_id']) }}
left join {{ ref('smokeball__matters') }} as matters on {{ smokeball.same('matters', 'fees', ['matter_id']) }}
