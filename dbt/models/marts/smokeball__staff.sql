with targets as (
    select
        staff_id,
        target_hours,
        target_fees,
        row_number() over (partition by staff_id order by valid_from desc) as newest_first
    from {{ ref('smokeball_targets') }}
    where valid_from <= {{ smokeball.as_of() }}
)

select
    timekeepers.source_relation,
    timekeepers.staff_id,
    timekeepers.staff_name,
    timekeepers.role,
    timekeepers.rate,
    timekeepers.is_former,
    timekeepers.is_fee_earner,
    timekeepers.is_principal,
    timekeepers.first_entry_date,
    timekeepers.last_entry_date,
    case
        when timekeepers.is_fee_earner
            then coalesce(targets.target_hours, cast({{ var('smokeball__target_hours') }} as {{ smokeball.type_decimal(2) }}))
    end as target_hours,
    targets.target_fees,
    {{ smokeball.currency('timekeepers.source_relation') }} as currency
from {{ ref('int_smokeball__timekeepers') }} as timekeepers
left join targets on targets.staff_id = timekeepers.staff_id and targets.newest_first = 1
