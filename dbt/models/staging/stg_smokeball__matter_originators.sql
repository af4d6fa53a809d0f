{#
  The split counts if it is enabled: by ratio, or evenly, with the remainder for one of the staff. Otherwise all of
  the originating staff share evenly, and a single one has everything. The shares of a matter add up to 1.
#}
with matters as (
    select * from {{ ref('stg_smokeball__matters') }}
),

settings as (
    select
        source_relation,
        matter_id,
        originating_staff_id,
        originating_staffs,
        coalesce({{ smokeball.json_text('split_originating_staff_settings', ['isEnabled']) }}, 'false') = 'true' as is_split,
        {{ smokeball.json_text('split_originating_staff_settings', ['splitMethod']) }} as split_method,
        {{ smokeball.json_text('split_originating_staff_settings', ['remainderStaffId']) }} as remainder_staff_id,
        {{ smokeball.json_value('split_originating_staff_settings', ['splitMatterStaffs']) }} as split_staffs
    from matters
),

listed as (
    select
        settings.source_relation,
        settings.matter_id,
        {{ smokeball.json_text(smokeball.item(), ['id']) }} as staff_id
    from settings
    {{ smokeball.each_item('settings.originating_staffs') }}
),

ratios as (
    select
        settings.source_relation,
        settings.matter_id,
        {{ smokeball.json_text(smokeball.item(), ['matterStaffId']) }} as staff_id,
        {{ smokeball.decimal(smokeball.json_text(smokeball.item(), ['matterStaffRatio']), 6) }} as ratio
    from settings
    {{ smokeball.each_item('settings.split_staffs') }}
    where settings.is_split
),

candidates as (
    select source_relation, matter_id, staff_id, ratio, 1 as priority from ratios where staff_id is not null
    union all
    select source_relation, matter_id, staff_id, null as ratio, 2 as priority from listed where staff_id is not null
    union all
    select source_relation, matter_id, originating_staff_id as staff_id, null as ratio, 3 as priority
    from settings
    where originating_staff_id is not null
),

chosen as (
    select
        candidates.source_relation,
        candidates.matter_id,
        candidates.staff_id,
        candidates.priority,
        sum(candidates.ratio) as ratio,
        min(candidates.priority) over (partition by candidates.source_relation, candidates.matter_id) as first_priority
    from candidates
    group by candidates.source_relation, candidates.matter_id, candidates.staff_id, candidates.priority
),

counted as (
    select
        chosen.source_relation,
        chosen.matter_id,
        chosen.staff_id,
        chosen.ratio,
        count(*) over (partition by chosen.source_relation, chosen.matter_id) as originators,
        sum(chosen.ratio) over (partition by chosen.source_relation, chosen.matter_id) as ratios,
        max(case when chosen.staff_id = settings.remainder_staff_id then 1 else 0 end)
            over (partition by chosen.source_relation, chosen.matter_id) as has_remainder_staff,
        row_number() over (
            partition by chosen.source_relation, chosen.matter_id
            order by case when chosen.staff_id = settings.remainder_staff_id then 0 else 1 end, chosen.staff_id
        ) as remainder_order
    from chosen
    inner join settings
        on settings.source_relation = chosen.source_relation and settings.matter_id = chosen.matter_id
    where chosen.priority = chosen.first_priority
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
