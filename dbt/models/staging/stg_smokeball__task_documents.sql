-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('task_documents', ['taskId', 'id'], [
        ['task_id', 'text', 'taskId', 'task.id'],
        ['task_document_id', 'text', 'id'],
        ['type', 'integer', 'type'],
        ['type_name', 'text', 'typeName'],
        ['is_marked_deleted', 'boolean', 'isDeleted'],
        ['document_id', 'text', 'document.id'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
