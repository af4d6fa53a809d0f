-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('stage_sets', ['id'], [
        ['stage_set_id', 'text', 'id'],
        ['version_id', 'text', 'versionId'],
        ['name', 'text', 'name'],
        ['is_marked_deleted', 'boolean', 'isDeleted'],
        ['stages', 'json', 'stages'],
        ['last_updated_ticks', 'integer', 'lastUpdated'],
        ['last_updated_at', 'time', 'lastUpdatedAt'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
