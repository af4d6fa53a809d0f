-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('folders', ['matterId', 'id'], [
        ['matter_id', 'text', 'matterId'],
        ['folder_id', 'text', 'id'],
        ['parent_id', 'text', 'parentId'],
        ['name', 'text', 'name'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
