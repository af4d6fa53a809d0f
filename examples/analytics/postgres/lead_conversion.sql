-- Lead conversion: what has become of the leads, by the month in which they came.
--
-- Smokeball forgets that a matter was a lead: its lead dates apply to leads only. So this reads
-- `analytics.lead_log`, which keep_leads.sql fills after each load, and sees the conversions since
-- that was first run. A lead is converted once it is a matter, lost if it is closed or cancelled,
-- and otherwise open. Deleted leads and matters do not count.
--
-- month: first day of the month in which the lead was opened, or first seen if that is not known
-- leads: how many leads came
-- converted: those that have become matters
-- lost: those that are closed or cancelled
-- still_open: those that are neither
-- conversion: converted, in percent of converted and lost
--
-- Translated from duckdb/lead_conversion.sql: changes belong there.
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
