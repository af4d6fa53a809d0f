{#
  The split counts if it is enabled: by ratio, or evenly, with the remainder for one of the staff. Otherwise all of
  the originating staff share evenly, and a single one has everything. The shares of a matter add up to 1.
#}
with originators as (
    select
        source_relation,
        matter_id,
        staff_id,
        priority,
        sum(ratio) as ratio,
        max(case when is_remainder_staff then 1 else 0 end) as is_remainder_staff,
        min(priority) over (partition by source_relation, matter_id) as first_priority
    from {{ ref('stg_smokeball__matter_originators') }}
    group by source_relation, matter_id, staff_id, priority
),

counted as (
    select
        source_relation,
        matter_id,
        staff_id,
        ratio,
        count(*) over (partition by source_relation, matter_id) as originators,
        sum(ratio) over (partition by source_relation, matter_id) as ratios,
        row_number() over (
            partition by source_relation, matter_id order by is_remainder_staff desc, staff_id
        ) as remainder_order
    from originators
    where priority = first_priority
),

parts as (
    select
        *,
        {# Ratios are percentages. Ratios of more than 100 in all are scaled. #}
        case
            when ratios > 100 then {{ smokeball.ratio('ratio', 'ratios', 6) }}
            when ratios > 0 then {{ smokeball.decimal('coalesce(ratio, 0) / 100', 6) }}
            else {{ smokeball.ratio('1', 'originators', 6) }}
        end as part
    from counted
)

select
    source_relation,
    matter_id,
    staff_id,
    {{ smokeball.decimal("part + case when remainder_order = 1
        then 1 - sum(part) over (partition by source_relation, matter_id) else 0 end", 6) }} as share
from parts
