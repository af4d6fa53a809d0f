-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('layout_contacts', ['matterId', 'itemId', 'key'], [
        ['matter_id', 'text', 'matterId'],
        ['item_id', 'text', 'itemId'],
        ['key', 'text', 'key'],
        ['record_id', 'text', 'id'],
        ['contact_id', 'text', 'contact.id'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
