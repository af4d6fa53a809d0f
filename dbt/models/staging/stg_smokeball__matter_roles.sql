-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('matter_roles', ['matterId', 'id'], [
        ['matter_id', 'text', 'matterId'],
        ['matter_role_id', 'text', 'id'],
        ['version_id', 'text', 'versionId'],
        ['name', 'text', 'name'],
        ['contact_id', 'text', 'contact.id'],
        ['role_description', 'text', 'roleDescription'],
        ['description', 'text', 'description'],
        ['representatives', 'json', 'representatives'],
        ['relationships', 'json', 'relationships'],
        ['is_client', 'boolean', 'isClient'],
        ['is_other_side', 'boolean', 'isOtherSide'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
