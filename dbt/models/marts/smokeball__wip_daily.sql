{#
  The work in progress of each matter on the day of each run, the last run of a day. The past cannot be computed:
  Smokeball keeps no history of what was unbilled. A full refresh would lose it, so it is refused.
#}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite' if target.type == 'bigquery' else 'delete+insert',
    partition_by={'field': 'day', 'data_type': 'date'} if target.type == 'bigquery' else none,
    unique_key=none if target.type == 'bigquery' else ['source_relation', 'day'],
    full_refresh=false,
    on_schema_change='append_new_columns'
) }}
select
    source_relation,
    as_of as day,
    matter_id,
    sum(fees) as fees,
    sum(disbursements) as disbursements,
    sum(total) as total,
    sum(net_of_drafts) as net_of_drafts,
    sum(hours) as hours
from {{ ref('smokeball__wip_ageing') }}
group by source_relation, as_of, matter_id
union all
-- A firm without any still has an image of the day.
select distinct
    source_relation,
    {{ smokeball.as_of() }} as day,
    '' as matter_id,
    0 as fees,
    0 as disbursements,
    0 as total,
    0 as net_of_drafts,
    0 as hours
from {{ ref('stg_smokeball__matters') }}
