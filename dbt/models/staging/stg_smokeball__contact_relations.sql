-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('contact_relations', ['contactId', 'id'], [
        ['contact_id', 'text', 'contactId'],
        ['related_contact_id', 'text', 'id'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
