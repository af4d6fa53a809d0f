-- One row per matter and tag.
select
    matters.source_relation,
    matters.matter_id,
    {{ smokeball.place() }} as tag_number,
    {{ smokeball.json_text(smokeball.item(), ['id']) }} as tag_id,
    {{ smokeball.json_text(smokeball.item(), ['type']) }} as tag_type,
    {{ smokeball.json_text(smokeball.item(), ['name']) }} as tag_name,
    {{ smokeball.json_text(smokeball.item(), ['color']) }} as tag_color,
    {{ smokeball.json_text(smokeball.item(), ['staff', 'id']) }} as staff_id
from {{ ref('stg_smokeball__matters') }} as matters
{{ smokeball.each_item('matters.tags') }}
