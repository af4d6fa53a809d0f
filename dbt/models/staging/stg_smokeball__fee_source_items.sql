-- One row per fee and entry that it combines.
select
    fees.source_relation,
    fees.fee_id,
    {{ smokeball.place() }} as item_number,
    {{ smokeball.json_text(smokeball.item(), ['description']) }} as description,
    cast({{ smokeball.json_text(smokeball.item(), ['duration']) }} as {{ dbt.type_bigint() }}) as duration_minutes,
    coalesce({{ smokeball.json_text(smokeball.item(), ['isBillable']) }}, 'true') = 'true' as is_billable
from {{ ref('stg_smokeball__fees') }} as fees
{{ smokeball.each_item('fees.source_items') }}
