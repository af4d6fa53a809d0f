-- Lead log: records each lead when it is first seen. Run it after each load, before lead_conversion.
--
-- When a lead becomes a matter, the loader replaces its row, and the matter no longer says that it
-- was a lead. This script inserts each new lead into a log table. It is idempotent.
--
-- matter_id: id of the lead, which is also the id of the later matter
-- opened: date on which the lead was opened, as first seen
-- first_seen: time at which the log first recorded the lead
create schema if not exists analytics;
create table if not exists analytics.lead_log (
    matter_id varchar,
    opened timestamp,
    first_seen timestamp
);
insert into analytics.lead_log
select
    matters.id as matter_id,
    cast(matters.leadOpenedDate as timestamp) as opened,
    cast(current_timestamp as timestamp) as first_seen
from smokeball.matters as matters
left join analytics.lead_log as log on log.matter_id = matters.id
where (coalesce(matters.isLead, false) or matters.leadOpenedDate is not null)
    and log.matter_id is null;
