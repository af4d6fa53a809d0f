-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('archives', ['matterId'], [
        ['matter_id', 'text', 'matterId'],
        ['record_id', 'text', 'id'],
        ['archived_at', 'time', 'archivedDate'],
        ['archived_date', 'local_date', 'archivedDate'],
        ['archive_box_number', 'text', 'archiveBoxNumber'],
        ['archive_comments', 'text', 'archiveComments'],
        ['archived_location', 'text', 'archivedLocation'],
        ['destroy_at', 'time', 'destroyDate'],
        ['destroy_date', 'local_date', 'destroyDate'],
        ['is_archived', 'boolean', 'isArchived'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
