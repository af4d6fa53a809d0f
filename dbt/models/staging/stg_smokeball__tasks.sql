-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('tasks', ['id'], [
        ['task_id', 'text', 'id'],
        ['matter_id', 'text', 'matter.id'],
        ['parent_task_id', 'text', 'parentTask.id'],
        ['created_by_id', 'text', 'createdBy.id'],
        ['completed_by_id', 'text', 'completedBy.id'],
        ['last_updated_by_id', 'text', 'lastUpdatedBy.id'],
        ['assignees', 'json', 'assignees'],
        ['sub_tasks', 'json', 'subTasks'],
        ['subject', 'text', 'subject'],
        ['note', 'text', 'note'],
        ['categories', 'json', 'categories'],
        ['due_at', 'time', 'dueDate'],
        ['due_date', 'local_date', 'dueDate'],
        ['due_date_only', 'date', 'dueDateOnly'],
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
        ['duration_minutes', 'minutes', 'duration'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
