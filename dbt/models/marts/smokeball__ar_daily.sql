-- The receivables of each matter on the day of each run, the last run of a day. See smokeball__wip_daily.
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
    sum(owed_amount) as owed_amount,
    sum(owed_exc_tax_amount) as owed_exc_tax_amount,
    sum(case when days_overdue > 0 and not is_credit then owed_amount else 0 end) as overdue_amount
from {{ ref('smokeball__ar_ageing') }}
group by source_relation, as_of, matter_id
union all
-- A firm without any still has an image of the day.
select distinct
    source_relation,
    {{ smokeball.as_of() }} as day,
    '' as matter_id,
    0 as owed_amount,
    0 as owed_exc_tax_amount,
    0 as overdue_amount
from {{ ref('stg_smokeball__matters') }}
