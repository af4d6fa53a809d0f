-- Lead conversion: leads by outcome and by the month in which they were opened.
--
-- Smokeball does not keep the information that a matter was a lead: the lead dates exist only on
-- leads. The query therefore reads `analytics.lead_log`, which keep_leads.sql fills after each load.
-- It sees conversions only since the first run of that script. A lead is converted if it is now a
-- matter, lost if it is closed or cancelled, and otherwise open. Excludes deleted leads and matters.
--
-- month: first day of the month in which the lead was opened, or first seen if that is unknown
-- leads: number of leads
-- converted: leads that became matters
-- lost: leads that are closed or cancelled
-- still_open: leads that are neither converted nor lost
-- conversion: converted leads as a percentage of converted and lost leads
--
-- Generated from duckdb/lead_conversion.sql. Edit that file.
WITH leads AS (
  SELECT
    CAST(DATE_TRUNC('MONTH', CAST(COALESCE(log.opened, log.first_seen) AS DATE)) AS DATE) AS month,
    CASE
      WHEN NOT COALESCE(matters."isLead", FALSE)
      THEN 'converted'
      WHEN matters.status IN ('Closed', 'Cancelled')
      THEN 'lost'
      ELSE 'open'
    END AS fate
  FROM analytics.lead_log AS log
  JOIN smokeball.matters AS matters
    ON matters.id = log.matter_id
  WHERE
    COALESCE(matters.status, '') <> 'Deleted'
)
SELECT
  month,
  COUNT(*) AS leads,
  SUM(CASE WHEN fate = 'converted' THEN 1 ELSE 0 END) AS converted,
  SUM(CASE WHEN fate = 'lost' THEN 1 ELSE 0 END) AS lost,
  SUM(CASE WHEN fate = 'open' THEN 1 ELSE 0 END) AS still_open,
  CAST(CAST(100 * SUM(CASE WHEN fate = 'converted' THEN 1 ELSE 0 END) AS DOUBLE PRECISION) / NULLIF(SUM(CASE WHEN fate = 'open' THEN 0 ELSE 1 END), 0) AS DECIMAL(18, 1)) AS conversion
FROM leads
GROUP BY
  month
ORDER BY
  month;
