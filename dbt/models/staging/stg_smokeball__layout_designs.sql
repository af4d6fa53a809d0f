-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('layout_designs', ['id'], [
        ['layout_design_id', 'text', 'id'],
        ['version_id', 'text', 'versionId'],
        ['name', 'text', 'name'],
        ['last_updated_ticks', 'integer', 'lastUpdated'],
        ['last_updated_at', 'time', 'lastUpdatedAt'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
