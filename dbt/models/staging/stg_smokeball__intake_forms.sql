-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('intake_forms', ['id'], [
        ['form_id', 'text', 'id'],
        ['is_smokeball_form', 'boolean', 'isSmokeballForm'],
        ['title', 'text', 'title'],
        ['category', 'text', 'category'],
        ['matter_types', 'json', 'matterTypes'],
        ['is_active', 'true_boolean', 'active'],
        ['created_at', 'time', 'createdDate'],
        ['created_date', 'local_date', 'createdDate'],
        ['last_updated_at', 'time', 'lastUpdated'],
        ['last_updated_date', 'local_date', 'lastUpdated'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
