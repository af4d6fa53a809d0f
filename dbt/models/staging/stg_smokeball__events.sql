-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('events', ['id'], [
        ['event_id', 'text', 'id'],
        ['matter_id', 'text', 'matter.id'],
        ['attendees', 'json', 'attendees'],
        ['external_attendees', 'json', 'externalAttendees'],
        ['event_type', 'text', 'eventType'],
        ['type', 'text', 'type'],
        ['subject', 'text', 'subject'],
        ['description', 'text', 'description'],
        ['location', 'text', 'location'],
        ['is_all_day', 'boolean', 'allDay'],
        ['is_non_billable', 'boolean', 'nonBillable'],
        ['start_time', 'local_time', 'startTime'],
        ['start_date', 'text_date', 'startTime'],
        ['end_time', 'local_time', 'endTime'],
        ['end_date', 'text_date', 'endTime'],
        ['time_zone', 'text', 'timeZone'],
        ['last_updated_at', 'time', 'lastUpdated'],
        ['last_updated_date', 'local_date', 'lastUpdated'],
        ['additional_data', 'json', 'additionalData'],
        ['is_marked_deleted', 'boolean', 'isDeleted'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
