-- One row per matter and contact in its list `clients`.
select
    matters.source_relation,
    matters.matter_id,
    {{ smokeball.place() }} as client_number,
    {{ smokeball.json_text(smokeball.item(), ['id']) }} as contact_id
from {{ ref('stg_smokeball__matters') }} as matters
{{ smokeball.each_item('matters.clients') }}
