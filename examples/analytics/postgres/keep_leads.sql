-- Keeps a log of the leads: run it after each load, before lead_conversion.sql is asked.
--
-- The loader replaces the row of a lead that becomes a matter, and the matter no longer says that it
-- was one. This notes each lead when it is first seen. It can be run any number of times.
--
-- matter_id: id of the lead, and of the matter that it becomes
-- opened: when the lead was opened, as it stood when it was first seen
-- first_seen: when it was first seen
--
-- Translated from duckdb/keep_leads.sql: changes belong there.
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
