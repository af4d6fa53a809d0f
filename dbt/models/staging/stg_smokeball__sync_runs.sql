-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('sync_runs', ['runId', 'stream'], [
        ['run_id', 'text', 'runId'],
        ['stream', 'text', 'stream'],
        ['run_started_at', 'time', 'runStartedAt'],
        ['started_at', 'time', 'startedAt'],
        ['ended_at', 'time', 'endedAt'],
        ['status', 'text', 'status'],
        ['error', 'text', 'error'],
        ['rows_read', 'integer', 'rowsRead'],
        ['requests', 'integer', 'requests'],
        ['unread_parents', 'integer', 'unreadParents'],
        ['bookmark_at', 'time', 'bookmark'],
        ['bookmark_date', 'local_date', 'bookmark'],
        ['loaded_until_at', 'time', 'loadedUntil'],
        ['loaded_until_date', 'local_date', 'loadedUntil']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
