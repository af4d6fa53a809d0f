{#
  Times that matters spent in stages, as the loads saw them. Versions of the same stage that follow each other are one
  interval: a stage that was entered and left between two loads leaves such versions and is not seen. The first
  interval of a matter may have begun earlier.
#}
with versions as (
    select
        source_relation,
        matter_id,
        stage_set_id,
        stage_id,
        stage_name,
        dbt_valid_from,
        dbt_valid_to,
        lag(stage_id) over (partition by source_relation, matter_id order by dbt_valid_from, dbt_scd_id) as previous_stage_id,
        row_number() over (partition by source_relation, matter_id order by dbt_valid_from, dbt_scd_id) as version_number
    from {{ ref('snap_smokeball__matter_stages') }}
),

numbered as (
    select
        *,
        sum(case when version_number = 1 or coalesce(previous_stage_id, '') <> coalesce(stage_id, '') then 1 else 0 end)
            over (
                partition by source_relation, matter_id order by version_number
                rows between unbounded preceding and current row
            ) as interval_number
    from versions
)

select
    source_relation,
    matter_id,
    interval_number,
    stage_id,
    max(stage_set_id) as stage_set_id,
    max(stage_name) as stage_name,
    min(dbt_valid_from) as entered_at,
    case when max(case when dbt_valid_to is null then 1 else 0 end) = 0 then max(dbt_valid_to) end as left_at,
    interval_number = 1 as is_first_seen,
    max(case when dbt_valid_to is null then 1 else 0 end) = 1 as is_current
from numbered
group by source_relation, matter_id, interval_number, stage_id
