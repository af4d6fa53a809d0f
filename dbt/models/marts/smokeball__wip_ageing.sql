with entries as (
    select
        entries.*,
        coalesce({{ smokeball.days_between('entries.work_date', smokeball.as_of()) }}, 0) as age_days
    from {{ ref('int_smokeball__entries') }} as entries
    where entries.entry_state in ('wip', 'on_draft', 'orphaned')
),

sums as (
    select
        entries.source_relation,
        entries.matter_id,
        entries.staff_id,
        {{ smokeball.ratio("sum(case when entries.entry_state <> 'orphaned' then entries.billable_minutes else 0 end)", '60') }} as hours,
        {{ smokeball.sum_if("entries.entry_kind = 'fee' and entries.entry_state <> 'orphaned'", 'entries.billable_amount_exc_tax') }} as fees,
        {{ smokeball.sum_if("entries.entry_kind = 'expense' and entries.entry_state <> 'orphaned'", 'entries.billable_amount_exc_tax') }} as disbursements,
        {{ smokeball.sum_if("entries.entry_kind = 'expense' and entries.entry_state <> 'orphaned' and entries.cost_type = 'Soft'", 'entries.billable_amount_exc_tax') }}
            as soft_disbursements,
        {{ smokeball.sum_if("entries.entry_state = 'on_draft'", 'entries.billable_amount_exc_tax') }} as on_draft,
        {{ smokeball.sum_if("entries.entry_state = 'on_draft'", 'allocation.surcharge_amount - allocation.discount_amount', 6) }} as draft_adjustment,
        {{ smokeball.sum_if("entries.entry_state = 'orphaned'", 'entries.billable_amount_exc_tax') }} as orphaned,
        {%- for name, low, high in smokeball.wip_ages() %}
        {%- set tests = ["entries.entry_state <> 'orphaned'"] %}
        {%- if low is not none %}{% do tests.append('entries.age_days >= ' ~ low) %}{% endif %}
        {%- if high is not none %}{% do tests.append('entries.age_days <= ' ~ high) %}{% endif %}
        {{ smokeball.sum_if(tests | join(' and '), 'entries.billable_amount_exc_tax') }} as {{ name }},
        {%- endfor %}
        {{ smokeball.sum_if("entries.entry_state <> 'orphaned' and entries.age_days > 90", 'entries.billable_amount_exc_tax') }} as over_90_days,
        min(case when entries.entry_state <> 'orphaned' then entries.work_date end) as oldest_date
    from entries
    left join {{ ref('int_smokeball__entry_allocation') }} as allocation
        on {{ smokeball.same('allocation', 'entries', ['entry_id']) }}
    group by entries.source_relation, entries.matter_id, entries.staff_id
)

select
    sums.source_relation,
    {{ smokeball.as_of() }} as as_of,
    sums.matter_id,
    matters.matter_number,
    matters.title,
    matters.status as matter_status,
    coalesce(matters.is_lead, false) as is_lead,
    coalesce(matters.is_active, false) as is_active,
    matters.practice_area,
    matters.client_id,
    matters.client_name,
    matters.person_responsible_id,
    matters.person_responsible,
    sums.staff_id,
    timekeepers.staff_name,
    sums.hours,
    sums.fees,
    sums.disbursements,
    sums.soft_disbursements,
    {{ smokeball.money('sums.disbursements - sums.soft_disbursements') }} as hard_disbursements,
    {{ smokeball.money('sums.fees + sums.disbursements') }} as total,
    sums.on_draft,
    {{ smokeball.money('sums.draft_adjustment') }} as draft_adjustment,
    {{ smokeball.money('sums.fees + sums.disbursements + sums.draft_adjustment') }} as net_of_drafts,
    sums.orphaned,
    {%- for name, _, _ in smokeball.wip_ages() %}
    sums.{{ name }},
    {%- endfor %}
    sums.over_90_days,
    sums.oldest_date,
    {{ smokeball.currency('sums.source_relation') }} as currency
from sums
left join {{ ref('smokeball__matters') }} as matters on {{ smokeball.same('matters', 'sums', ['matter_id']) }}
left join {{ ref('int_smokeball__timekeepers') }} as timekeepers
    on {{ smokeball.same('timekeepers', 'sums', ['staff_id']) }}
{%- if var('smokeball__exclude_leads_from_wip') %}
where not coalesce(matters.is_lead, false)
{%- endif %}
