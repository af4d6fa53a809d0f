-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('webhook_subscriptions', ['id'], [
        ['record_id', 'text', 'id'],
        ['account_id', 'text', 'accountId'],
        ['name', 'text', 'name'],
        ['event_types', 'json', 'eventTypes'],
        ['event_notification_url', 'text', 'eventNotificationUrl'],
        ['created_date_utc_at', 'time', 'createdDateUtc'],
        ['created_date_utc_date', 'local_date', 'createdDateUtc'],
        ['updated_date_utc_at', 'time', 'updatedDateUtc'],
        ['updated_date_utc_date', 'local_date', 'updatedDateUtc'],
        ['last_updated_ticks', 'integer', 'lastUpdated'],
        ['last_updated_at', 'time', 'lastUpdatedAt'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
