-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('contacts', ['id'], [
        ['contact_id', 'text', 'id'],
        ['external_system_id', 'text', 'externalSystemId'],
        ['version_id', 'text', 'versionId'],
        ['person', 'json', 'person'],
        ['company', 'json', 'company'],
        ['trust', 'json', 'trust'],
        ['group_of_people', 'json', 'groupOfPeople'],
        ['is_marked_deleted', 'boolean', 'isDeleted'],
        ['last_updated_ticks', 'integer', 'lastUpdated'],
        ['last_updated_at', 'time', 'lastUpdatedAt'],
        ['tags', 'json', 'tags'],
        ['extra_fields', 'json', 'extraFields'],
        ['person_first_name', 'text', 'person.firstName'],
        ['person_last_name', 'text', 'person.lastName'],
        ['company_name', 'text', 'company.name'],
        ['trust_name', 'text', 'trust.name'],
        ['group_name', 'text', 'groupOfPeople.name']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
