-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('matter_types', ['id'], [
        ['matter_type_id', 'text', 'id'],
        ['version_id', 'text', 'versionId'],
        ['name', 'text', 'name'],
        ['category', 'text', 'category'],
        ['type', 'integer', 'type'],
        ['type_name', 'text', 'typeName'],
        ['representative_options', 'json', 'representativeOptions'],
        ['location', 'text', 'location'],
        ['is_marked_deleted', 'boolean', 'isDeleted'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
