-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('layout_fields', ['layoutDesignId', 'name'], [
        ['layout_design_id', 'text', 'layoutDesignId'],
        ['name', 'text', 'name'],
        ['type', 'text', 'type'],
        ['possible_values', 'json', 'possibleValues'],
        ['layout_description', 'text', 'layoutDescription'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
