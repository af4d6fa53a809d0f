-- Accounts receivable aging: unpaid invoices by matter and by days overdue.
--
-- Counts invoices that were issued (final or paid) and have an unpaid amount, including tax and
-- interest. Excludes draft, deleted and void invoices, and invoices of deleted matters. Days overdue
-- are counted from the due date, or from the issue date if there is no due date; an invoice without
-- both dates is not overdue. One row per matter with unpaid invoices.
--
-- as_of: reference date for ages: the current date of the database
-- matter_id: id of the matter
-- number: number of the matter
-- title: title of the matter
-- responsible: name of the person responsible
-- invoices: number of unpaid invoices
-- not_due: unpaid amount that is not overdue
-- days_1_30: unpaid amount that is 1 to 30 days overdue
-- days_31_60: unpaid amount that is 31 to 60 days overdue
-- days_61_90: unpaid amount that is 61 to 90 days overdue
-- over_90_days: unpaid amount that is more than 90 days overdue
-- total: total unpaid amount
-- most_days: days overdue of the oldest invoice; 0 or less if it is not overdue
--
-- Generated from duckdb/receivables_by_age.sql. Edit that file.
WITH today AS (
  SELECT
    CURRENT_DATE AS as_of
), owed AS (
  SELECT
    today.as_of,
    invoices."matterId",
    CAST(invoices."invoiceTotals" ->> 'unpaid' AS DECIMAL(18, 2)) AS unpaid,
    COALESCE(
      (
        CAST(today.as_of AS DATE) - CAST(COALESCE(invoices."dueDate", invoices."issuedDate") AS DATE)
      ),
      0
    ) AS days
  FROM smokeball.invoices AS invoices
  CROSS JOIN today
  WHERE
    invoices.status IN (1, 2)
), by_matter AS (
  SELECT
    as_of,
    "matterId",
    COUNT(*) AS invoices,
    SUM(CASE WHEN days <= 0 THEN unpaid ELSE 0 END) AS not_due,
    SUM(CASE WHEN days BETWEEN 1 AND 30 THEN unpaid ELSE 0 END) AS days_1_30,
    SUM(CASE WHEN days BETWEEN 31 AND 60 THEN unpaid ELSE 0 END) AS days_31_60,
    SUM(CASE WHEN days BETWEEN 61 AND 90 THEN unpaid ELSE 0 END) AS days_61_90,
    SUM(CASE WHEN days > 90 THEN unpaid ELSE 0 END) AS over_90_days,
    SUM(unpaid) AS total,
    MAX(days) AS most_days
  FROM owed
  WHERE
    unpaid <> 0
  GROUP BY
    as_of,
    "matterId"
)
SELECT
  by_matter.as_of AS as_of,
  by_matter."matterId" AS matter_id,
  matters.number AS number,
  matters.title AS title,
  NULLIF(TRIM(CONCAT(staff."firstName", ' ', staff."lastName")), '') AS responsible,
  by_matter.invoices AS invoices,
  by_matter.not_due AS not_due,
  by_matter.days_1_30 AS days_1_30,
  by_matter.days_31_60 AS days_31_60,
  by_matter.days_61_90 AS days_61_90,
  by_matter.over_90_days AS over_90_days,
  by_matter.total AS total,
  by_matter.most_days AS most_days
FROM by_matter
LEFT JOIN smokeball.matters AS matters
  ON matters.id = by_matter."matterId"
LEFT JOIN smokeball.staff AS staff
  ON staff.id = (
    matters."personResponsible" ->> 'id'
  )
WHERE
  COALESCE(matters.status, '') <> 'Deleted'
ORDER BY
  total DESC NULLS LAST,
  matter_id;
