-- One row per event and attendee.
select
    events.source_relation,
    events.event_id,
    {{ smokeball.place() }} as attendee_number,
    {{ smokeball.json_text(smokeball.item(), ['id']) }} as staff_id
from {{ ref('stg_smokeball__events') }} as events
{{ smokeball.each_item('events.attendees') }}
