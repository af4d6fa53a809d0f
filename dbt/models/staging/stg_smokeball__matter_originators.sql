{#
  One row per matter and staff member who may have originated it, by the split, the list or the single field. Only the
  first of these origins counts: int_smokeball__origination_shares has the shares.
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
    select source_relation, matter_id, staff_id, ratio, 1 as priority from ratios
    union all
    select source_relation, matter_id, staff_id, null as ratio, 2 as priority from listed
    union all
    select source_relation, matter_id, originating_staff_id as staff_id, null as ratio, 3 as priority from settings
)

select
    candidates.source_relation,
    candidates.matter_id,
    candidates.staff_id,
    candidates.priority,
    {{ smokeball.decimal('candidates.ratio', 6) }} as ratio,
    coalesce(candidates.staff_id = settings.remainder_staff_id, false) as is_remainder_staff
from candidates
inner join settings on {{ smokeball.same('settings', 'candidates', ['matter_id']) }}
where candidates.staff_id is not null
