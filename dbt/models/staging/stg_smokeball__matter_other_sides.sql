-- One row per matter and contact in its list `other_sides`.
select
    matters.source_relation,
    matters.matter_id,
    {{ smokeball.place() }} as other_side_number,
    {{ smokeball.json_text(smokeball.item(), ['id']) }} as contact_id
from {{ ref('stg_smokeball__matters') }} as matters
{{ smokeball.each_item('matters.other_sides') }}
