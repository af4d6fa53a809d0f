-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('intake_submissions', ['id'], [
        ['matter_id', 'text', 'matterId', 'matter.id'],
        ['submission_id', 'text', 'id'],
        ['form_id', 'text', 'formId'],
        ['form_title', 'text', 'formTitle'],
        ['status', 'text', 'status'],
        ['communication_method', 'text', 'communicationMethod'],
        ['created_at', 'time', 'createdDate'],
        ['created_date', 'local_date', 'createdDate'],
        ['last_updated_at', 'time', 'lastUpdated'],
        ['last_updated_date', 'local_date', 'lastUpdated'],
        ['recipient_contact_id', 'text', 'recipient.contactId'],
        ['recipient_email', 'text', 'recipient.email'],
        ['recipient_name', 'text', 'recipient.name'],
        ['responses', 'json', 'responses'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
