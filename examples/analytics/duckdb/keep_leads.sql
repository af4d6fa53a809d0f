-- Keeps a log of the leads: run it after each load, before lead_conversion.sql is asked.
--
-- The loader replaces the row of a lead that becomes a matter, and the matter no longer says that it
-- was one. This notes each lead when it is first seen. It can be run any number of times.
--
-- matter_id: id of the lead, and of the matter that it becomes
-- opened: when the lead was opened, as it stood when it was first seen
-- first_seen: when it was first seen
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
