-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('subtasks', ['id'], [
        ['task_id', 'text', 'taskId'],
        ['subtask_id', 'text', 'id'],
        ['parent_task_id', 'text', 'parentTask.id'],
        ['created_by_id', 'text', 'createdBy.id'],
        ['completed_by_id', 'text', 'completedBy.id'],
        ['last_updated_by_id', 'text', 'lastUpdatedBy.id'],
        ['subject', 'text', 'subject'],
        ['completed_at', 'time', 'completedDate'],
        ['completed_date', 'local_date', 'completedDate'],
        ['completed_date_only', 'date', 'completedDateOnly'],
        ['created_at', 'time', 'createdDate'],
        ['created_date', 'local_date', 'createdDate'],
        ['created_date_only', 'date', 'createdDateOnly'],
        ['is_completed', 'boolean', 'isCompleted'],
        ['is_marked_deleted', 'boolean', 'isDeleted'],
        ['last_updated_ticks', 'integer', 'lastUpdated'],
        ['last_updated_at', 'time', 'lastUpdatedAt'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
