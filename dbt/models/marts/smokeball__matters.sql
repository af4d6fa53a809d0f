with clients as (
    select
        clients.source_relation,
        clients.matter_id,
        count(*) as clients,
        max(case when clients.client_number = 1 then clients.contact_id end) as client_id
    from {{ ref('stg_smokeball__matter_clients') }} as clients
    group by clients.source_relation, clients.matter_id
)

select
    matters.source_relation,
    matters.matter_id,
    matters.number as matter_number,
    matters.title,
    matters.status,
    matters.is_lead,
    matters.is_template,
    matters.is_deleted,
    coalesce(matters.status, '') in ('Open', 'Pending') and not matters.is_lead and not matters.is_template
        and not matters.is_deleted as is_active,
    matter_types.name as matter_type,
    coalesce(matter_types.category, '(none)') as practice_area,
    clients.client_id,
    contacts.contact_name as client_name,
    coalesce(clients.clients, 0) as clients,
    matters.person_responsible_id,
    responsible.staff_name as person_responsible,
    stage_sets.name as stage_set,
    stages.stage_name as stage,
    stages.last_updated_at as stage_changed_at,
    matters.referral_type,
    matters.opened_date,
    matters.closed_date,
    matters.lead_opened_date,
    {{ smokeball.days_between('matters.opened_date', smokeball.as_of()) }} as age_days,
    activity.last_activity_date,
    activity.last_activity_kind,
    {{ smokeball.days_between('coalesce(activity.last_activity_date, matters.opened_date)', smokeball.as_of()) }} as idle_days
from {{ ref('stg_smokeball__matters') }} as matters
left join {{ ref('stg_smokeball__matter_types') }} as matter_types
    on {{ smokeball.same('matter_types', 'matters', ['matter_type_id']) }}
left join clients on {{ smokeball.same('clients', 'matters', ['matter_id']) }}
left join {{ ref('int_smokeball__contacts') }} as contacts
    on contacts.source_relation = clients.source_relation and contacts.contact_id = clients.client_id
left join {{ ref('int_smokeball__timekeepers') }} as responsible
    on responsible.source_relation = matters.source_relation and responsible.staff_id = matters.person_responsible_id
left join {{ ref('stg_smokeball__matter_stages') }} as stages
    on {{ smokeball.same('stages', 'matters', ['matter_id']) }}
left join {{ ref('stg_smokeball__stage_sets') }} as stage_sets
    on {{ smokeball.same('stage_sets', 'stages', ['stage_set_id']) }}
left join {{ ref('int_smokeball__matter_activity') }} as activity
    on {{ smokeball.same('activity', 'matters', ['matter_id']) }}
