{#
  Staff, whether they are fee earners, and from when to when they recorded time. A role that the seed does not know
  counts as that of a fee earner if the person has a rate. Smokeball has no start date: the first entry stands for it.
#}
with worked as (
    select
        source_relation,
        staff_id,
        min(work_date) as first_entry_date,
        max(work_date) as last_entry_date
    from {{ ref('int_smokeball__entries') }}
    where entry_kind = 'fee' and is_time and entry_state not in ('deleted', 'template')
    group by source_relation, staff_id
)

select
    staff.source_relation,
    staff.staff_id,
    {{ smokeball.full_name('staff.first_name', 'staff.last_name') }} as staff_name,
    staff.role,
    staff.rate,
    staff.is_former,
    coalesce(roles.is_fee_earner, coalesce(staff.rate, 0) > 0) as is_fee_earner,
    roles.is_principal,
    worked.first_entry_date,
    worked.last_entry_date,
    staff.out_of_office_start_date,
    staff.out_of_office_end_date
from {{ ref('stg_smokeball__staff') }} as staff
left join {{ ref('smokeball_fee_earner_roles') }} as roles on lower(roles.role) = lower(staff.role)
left join worked on {{ smokeball.same('worked', 'staff', ['staff_id']) }}
where not staff.is_deleted
