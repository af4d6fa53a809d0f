-- The days on which each fee earner can work: from the first entry to the report's date, or to the last entry.
select
    timekeepers.source_relation,
    timekeepers.staff_id,
    days.day,
    days.month,
    cast({{ var('smokeball__hours_per_day') }} as {{ smokeball.type_decimal(2) }}) as available_hours
from {{ ref('int_smokeball__timekeepers') }} as timekeepers
inner join {{ ref('smokeball__days') }} as days
    on days.day >= timekeepers.first_entry_date
    and days.day <= {{ smokeball.as_of() }}
    and (not timekeepers.is_former or days.day <= timekeepers.last_entry_date)
where timekeepers.is_fee_earner
    and days.is_working_day
    and not (
        timekeepers.out_of_office_start_date is not null
        and days.day >= timekeepers.out_of_office_start_date
        and days.day <= coalesce(timekeepers.out_of_office_end_date, timekeepers.out_of_office_start_date)
    )
