-- One row per task and assignee.
select
    tasks.source_relation,
    tasks.task_id,
    {{ smokeball.place() }} as assignee_number,
    {{ smokeball.json_text(smokeball.item(), ['id']) }} as staff_id
from {{ ref('stg_smokeball__tasks') }} as tasks
{{ smokeball.each_item('tasks.assignees') }}
