-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('referral_types', ['id'], [
        ['referral_type_id', 'text', 'id'],
        ['name', 'text', 'name'],
        ['is_marked_deleted', 'boolean', 'isDeleted'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
