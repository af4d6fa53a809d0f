-- Days in each stage. Only intervals that began and ended while the package watched count in the median.
with intervals as (
    select
        intervals.*,
        stage_sets.name as stage_set,
        {{ smokeball.days_between('cast(intervals.entered_at as date)', 'coalesce(cast(intervals.left_at as date), ' ~ smokeball.as_of() ~ ')') }} as days_in_stage
    from {{ ref('int_smokeball__stage_intervals') }} as intervals
    left join {{ ref('stg_smokeball__stage_sets') }} as stage_sets on {{ smokeball.same('stage_sets', 'intervals', ['stage_set_id']) }}
)

select
    source_relation,
    {{ smokeball.as_of() }} as as_of,
    stage_set_id,
    max(stage_set) as stage_set,
    stage_id,
    max(stage_name) as stage_name,
    count(*) as intervals,
    count(case when is_current then 1 end) as matters_now,
    count(case when not is_current and not is_first_seen then 1 end) as complete_intervals,
    {{ smokeball.decimal(smokeball.median('case when not is_current and not is_first_seen then days_in_stage end'), 1) }} as median_days,
    {{ smokeball.decimal('avg(case when is_current then days_in_stage end)', 1) }} as average_days_so_far
from intervals
group by source_relation, stage_set_id, stage_id
