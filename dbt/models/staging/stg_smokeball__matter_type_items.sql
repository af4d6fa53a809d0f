-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('matter_type_items', ['matterTypeId', 'index'], [
        ['matter_type_id', 'text', 'matterTypeId'],
        ['index', 'integer', 'index'],
        ['record_id', 'text', 'id'],
        ['provider_id', 'text', 'providerId'],
        ['item_id', 'text', 'itemId'],
        ['name', 'text', 'name'],
        ['sub_items', 'json', 'subItems'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
