-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('event_reminders', ['eventId', 'index'], [
        ['event_id', 'text', 'eventId'],
        ['index', 'integer', 'index'],
        ['offset', 'integer', 'offset'],
        ['offset_type_id', 'integer', 'offsetTypeId'],
        ['is_all_day_reminder', 'boolean', 'isAllDayReminder'],
        ['user_ids', 'json', 'userIds'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
