-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('matter_stages', ['matterId'], [
        ['matter_id', 'text', 'matterId', 'matter.id'],
        ['record_id', 'text', 'id'],
        ['version_id', 'text', 'versionId'],
        ['stage_set_id', 'text', 'stageSet.id'],
        ['stage_id', 'text', 'stage.id'],
        ['stage_version_id', 'text', 'stage.versionId'],
        ['stage_name', 'text', 'stage.name'],
        ['stage_is_deleted', 'boolean', 'stage.isDeleted'],
        ['stage_last_updated_ticks', 'integer', 'stage.lastUpdated'],
        ['stage_last_updated_at', 'time', 'stage.lastUpdatedAt'],
        ['last_updated_ticks', 'integer', 'lastUpdated'],
        ['last_updated_at', 'time', 'lastUpdatedAt'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
