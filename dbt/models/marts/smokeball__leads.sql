select
    events.*,
    matters.title,
    matters.practice_area,
    matters.client_name,
    matters.person_responsible,
    coalesce({{ smokeball.month_of('events.lead_opened_date') }}, {{ smokeball.month_of('cast(events.first_seen_at as date)') }}) as opened_month,
    case when events.outcome = 'converted' then {{ smokeball.days_between('events.lead_opened_date', 'events.converted_date') }} end as days_to_convert,
    events.was_open_when_first_seen and events.outcome <> 'deleted' as is_counted
from {{ ref('int_smokeball__lead_events') }} as events
left join {{ ref('smokeball__matters') }} as matters on {{ smokeball.same('matters', 'events', ['matter_id']) }}
