{{ config(materialized='view') }}
select
    *,
    {{ smokeball.currency() }} as currency
from {{ ref('int_smokeball__trust_movements') }}
