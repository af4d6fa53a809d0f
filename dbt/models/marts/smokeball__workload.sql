{#
  Open tasks and events of each staff member by due date: overdue, the next 14 days, later. Minutes of a task are
  those of its duration, spread over its assignees. Dates of events are in the zone of the event.
#}
with assigned as (
    select
        tasks.source_relation,
        assignees.staff_id,
        'task' as item_kind,
        tasks.task_id as item_id,
        tasks.matter_id,
        tasks.subject,
        coalesce(tasks.due_date_only, tasks.due_date) as due_date,
        {{ smokeball.ratio('tasks.duration_minutes', 'count(*) over (partition by tasks.source_relation, tasks.task_id)', 2) }} as minutes
    from {{ ref('stg_smokeball__tasks') }} as tasks
    inner join {{ ref('stg_smokeball__task_assignees') }} as assignees on {{ smokeball.same('assignees', 'tasks', ['task_id']) }}
    where not tasks.is_deleted and not tasks.is_completed
    union all
    select
        events.source_relation,
        attendees.staff_id,
        'event' as item_kind,
        events.event_id as item_id,
        events.matter_id,
        events.subject,
        events.start_date as due_date,
        cast(null as {{ smokeball.type_decimal(2) }}) as minutes
    from {{ ref('stg_smokeball__events') }} as events
    inner join {{ ref('stg_smokeball__event_attendees') }} as attendees on {{ smokeball.same('attendees', 'events', ['event_id']) }}
    where not events.is_deleted and events.start_date >= {{ smokeball.as_of() }}
)

select
    assigned.source_relation,
    assigned.staff_id,
    timekeepers.staff_name,
    assigned.item_kind,
    assigned.item_id,
    assigned.matter_id,
    matters.matter_number,
    assigned.subject,
    assigned.due_date,
    assigned.minutes,
    case
        when assigned.due_date is null then 'no date'
        when assigned.due_date < {{ smokeball.as_of() }} then 'overdue'
        when assigned.due_date <= {{ smokeball.date_plus('day', 14, smokeball.as_of()) }} then 'next 14 days'
        else 'later'
    end as due_range
from assigned
left join {{ ref('int_smokeball__timekeepers') }} as timekeepers on {{ smokeball.same('timekeepers', 'assigned', ['staff_id']) }}
left join {{ ref('smokeball__matters') }} as matters on {{ smokeball.same('matters', 'assigned', ['matter_id']) }}
