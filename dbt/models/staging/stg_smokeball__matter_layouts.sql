-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('matter_layouts', ['matterId', 'itemId'], [
        ['matter_id', 'text', 'matterId'],
        ['record_id', 'text', 'id'],
        ['name', 'text', 'name'],
        ['description', 'text', 'description'],
        ['item_id', 'text', 'itemId'],
        ['parent_id', 'text', 'parentId'],
        ['item_index', 'integer', 'index'],
        ['parent_index', 'integer', 'parentIndex'],
        ['layout_design_id', 'text', 'layoutDesign.id'],
        ['field_values', 'json', 'values'],
        ['events', 'json', 'events'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
