-- Hours against target: what each fee earner recorded in the last twelve months, by month.
--
-- Time entries count by the day of the work, fixed fees and deleted entries do not. Hours are those
-- that the entry is charged at; an entry that was put together from others counts as a whole.
-- Smokeball keeps no targets: 120 billable hours a month stand for everyone below, to be replaced by
-- your own figure, or a table of your own. One row for each of the staff and each month in which the
-- firm recorded any time, also where someone recorded none; of those who have left, only the months
-- in which they did. The month of today is not over, and its target is that of a whole month.
--
-- month: first day of the month
-- staff_id: id of the staff member
-- name: name of the staff member
-- former: whether they have left
-- hours: hours recorded
-- billable_hours: those of them that can be billed, written off or not
-- target_hours: billable hours that were wanted
-- percent_of_target: billable hours, in percent of the target
--
-- Translated from duckdb/hours_against_target.sql: changes belong there.
WITH target AS (
  SELECT
    CAST(120 AS DECIMAL(18, 2)) AS hours
), recent AS (
  SELECT
    CAST(DATE_TRUNC('MONTH', CAST(fees."feeDate" AS DATE)) AS DATE) AS month,
    (
      fees.staff ->> 'id'
    ) AS staff_id,
    fees.duration AS minutes,
    CASE WHEN COALESCE(fees."isBillable", TRUE) THEN fees.duration ELSE 0 END AS billable
  FROM smokeball.fees AS fees
  LEFT JOIN smokeball.matters AS matters
    ON matters.id = fees."matterId"
  WHERE
    fees."feeType" = 1
    AND NOT COALESCE(fees."isDeleted", FALSE)
    AND COALESCE(matters.status, '') <> 'Deleted'
    AND CAST(DATE_TRUNC('MONTH', CAST(fees."feeDate" AS DATE)) AS DATE) > CAST(DATE_TRUNC('MONTH', CAST(CURRENT_DATE AS DATE)) AS DATE) - INTERVAL '12 MONTH'
    AND CAST(fees."feeDate" AS DATE) <= CURRENT_DATE
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
  NULLIF(TRIM(CONCAT(staff."firstName", ' ', staff."lastName")), '') AS name,
  COALESCE(staff.former, FALSE) AS former,
  CAST(CAST(COALESCE(recorded.minutes, 0) AS DOUBLE PRECISION) / 60 AS DECIMAL(18, 2)) AS hours,
  CAST(CAST(COALESCE(recorded.billable, 0) AS DOUBLE PRECISION) / 60 AS DECIMAL(18, 2)) AS billable_hours,
  target.hours AS target_hours,
  CAST(CAST(CAST(100 * COALESCE(recorded.billable, 0) AS DOUBLE PRECISION) / 60 AS DOUBLE PRECISION) / target.hours AS DECIMAL(18, 1)) AS percent_of_target
FROM months
CROSS JOIN smokeball.staff AS staff
CROSS JOIN target
LEFT JOIN recorded
  ON recorded.month = months.month AND recorded.staff_id = staff.id
WHERE
  NOT COALESCE(staff.former, FALSE) OR NOT recorded.staff_id IS NULL
ORDER BY
  month,
  staff."lastName",
  staff."firstName",
  staff.id;
