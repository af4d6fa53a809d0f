{#
  Each lead since the first load: how it was first seen, and what became of it. When a lead becomes a matter, the
  row no longer says that it was a lead, so only the snapshot knows. Leads that were converted before the first load
  are not seen at all, while lost ones are; so a lead counts only if it was open when it was first seen.
#}
with history as (
    select
        *,
        row_number() over (partition by source_relation, matter_id order by dbt_valid_from, dbt_scd_id) as first_to_last,
        row_number() over (partition by source_relation, matter_id order by dbt_valid_from desc, dbt_scd_id desc) as last_to_first
    from {{ ref('snap_smokeball__matters') }}
    where not is_template
),

log as (
    select source_relation, min(seen_at) as log_began_at
    from {{ ref('snap_smokeball__matters') }}
    group by source_relation
),

leads as (
    select
        source_relation,
        matter_id,
        max(case when first_to_last = 1 then status end) as first_status,
        max(case when first_to_last = 1 and is_lead then 1 else 0 end) as was_lead_at_first,
        min(seen_at) as first_seen_at,
        max(case when last_to_first = 1 then status end) as last_status,
        max(case when last_to_first = 1 and is_lead then 1 else 0 end) as is_still_lead,
        min(case when not is_lead then dbt_valid_from end) as converted_at,
        max(lead_opened_date) as lead_opened_date,
        max(lead_closed_date) as lead_closed_date,
        max(referral_type) as referral_type
    from history
    group by source_relation, matter_id
    having max(case when is_lead then 1 else 0 end) = 1
)

select
    leads.source_relation,
    leads.matter_id,
    leads.first_seen_at,
    log.log_began_at,
    leads.first_status,
    leads.last_status,
    leads.lead_opened_date,
    leads.referral_type,
    leads.was_lead_at_first = 1 and coalesce(leads.first_status, '') not in ('Closed', 'Cancelled', 'Deleted')
        as was_open_when_first_seen,
    case
        when coalesce(leads.last_status, '') = 'Deleted' then 'deleted'
        when leads.is_still_lead = 0 then 'converted'
        when leads.last_status in ('Closed', 'Cancelled') then 'lost'
        else 'open'
    end as outcome,
    case when leads.is_still_lead = 0 then cast(leads.converted_at as date) end as converted_date,
    case when leads.is_still_lead = 1 and leads.last_status in ('Closed', 'Cancelled') then leads.lead_closed_date end
        as lost_date
from leads
inner join log on log.source_relation = leads.source_relation
