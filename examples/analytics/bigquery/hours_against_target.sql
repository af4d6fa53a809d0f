-- Hours against target: hours that each fee earner recorded in the last twelve months, by month.
--
-- Counts time entries by the day of the work, without fixed fees and deleted entries. Hours are the
-- hours charged; an entry that combines other entries counts in full. Smokeball stores no targets.
-- The query uses 120 billable hours per month for everyone; replace it with your number or table. One
-- row per staff member and month in which the firm recorded time, including staff without time in
-- that month. Former staff appear only in months in which they recorded time. The current month is
-- incomplete, but its target is that of a full month.
--
-- month: first day of the month
-- staff_id: id of the staff member
-- name: name of the staff member
-- former: whether the staff member has left the firm
-- hours: hours recorded
-- billable_hours: recorded hours that are billable, including hours written off
-- target_hours: target for billable hours
-- percent_of_target: billable hours as a percentage of the target
--
-- Generated from duckdb/hours_against_target.sql. Edit that file.
WITH target AS (
  SELECT
    ROUND(CAST(120 AS NUMERIC), 2) AS hours
), recent AS (
  SELECT
    CAST(DATE_TRUNC(CAST(fees.feeDate AS DATE), MONTH) AS DATE) AS month,
    fees.staff.id AS staff_id,
    fees.duration AS minutes,
    CASE WHEN COALESCE(fees.isBillable, TRUE) THEN fees.duration ELSE 0 END AS billable
  FROM smokeball.fees AS fees
  LEFT JOIN smokeball.matters AS matters
    ON matters.id = fees.matterId
  WHERE
    fees.feeType = 1
    AND NOT COALESCE(fees.isDeleted, FALSE)
    AND COALESCE(matters.status, '') <> 'Deleted'
    AND CAST(DATE_TRUNC(CAST(fees.feeDate AS DATE), MONTH) AS DATE) > CAST(DATE_TRUNC(CAST(CURRENT_DATE AS DATE), MONTH) AS DATE) - INTERVAL '12' MONTH
    AND CAST(fees.feeDate AS DATE) <= CURRENT_DATE
), months AS (
  SELECT DISTINCT
    month
  FROM recent
), recorded AS (
  SELECT
    month,
    staff_id,
    SUM(minutes) AS minutes,
    SUM(billable) AS billable
  FROM recent
  GROUP BY
    month,
    staff_id
)
SELECT
  months.month AS month,
  staff.id AS staff_id,
  NULLIF(TRIM(CONCAT(COALESCE(staff.firstName, ''), ' ', COALESCE(staff.lastName, ''))), '') AS name,
  COALESCE(staff.former, FALSE) AS former,
  ROUND(CAST(COALESCE(recorded.minutes, 0) / 60 AS NUMERIC), 2) AS hours,
  ROUND(CAST(COALESCE(recorded.billable, 0) / 60 AS NUMERIC), 2) AS billable_hours,
  target.hours AS target_hours,
  ROUND(CAST(100 * COALESCE(recorded.billable, 0) / 60 / target.hours AS NUMERIC), 1) AS percent_of_target
FROM months
CROSS JOIN smokeball.staff AS staff
CROSS JOIN target
LEFT JOIN recorded
  ON recorded.month = months.month AND recorded.staff_id = staff.id
WHERE
  NOT COALESCE(staff.former, FALSE) OR NOT recorded.staff_id IS NULL
ORDER BY
  month NULLS LAST,
  staff.lastName NULLS LAST,
  staff.firstName NULLS LAST,
  staff.id NULLS LAST;
