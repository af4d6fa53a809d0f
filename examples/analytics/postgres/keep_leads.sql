-- Lead log: records each lead when it is first seen. Run it after each load, before lead_conversion.
--
-- When a lead becomes a matter, the loader replaces its row, and the matter no longer says that it
-- was a lead. This script inserts each new lead into a log table. It is idempotent.
--
-- matter_id: id of the lead, which is also the id of the later matter
-- opened: date on which the lead was opened, as first seen
-- first_seen: time at which the log first recorded the lead
--
-- Generated from duckdb/keep_leads.sql. Edit that file.
CREATE SCHEMA IF NOT EXISTS analytics;
CREATE TABLE IF NOT EXISTS analytics.lead_log (
  matter_id TEXT,
  opened TIMESTAMP,
  first_seen TIMESTAMP
);
INSERT INTO analytics.lead_log
SELECT
  matters.id AS matter_id,
  CAST(matters."leadOpenedDate" AS TIMESTAMP) AS opened,
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP) AS first_seen
FROM smokeball.matters AS matters
LEFT JOIN analytics.lead_log AS log
  ON log.matter_id = matters.id
WHERE
  (
    COALESCE(matters."isLead", FALSE) OR NOT matters."leadOpenedDate" IS NULL
  )
  AND log.matter_id IS NULL;
