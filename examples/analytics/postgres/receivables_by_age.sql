-- Receivables by age: what clients owe on invoices, by matter and by days overdue.
--
-- An invoice counts if it has gone out (final or paid) and something of it is unpaid, with tax and
-- interest. Drafts, deleted and void invoices do not count, nor do those of deleted matters. The age
-- runs from the due date, or from the day of issue if there is none; an invoice with neither is not
-- overdue. One row for each matter that owes.
--
-- as_of: the day that ages are counted to: today, by the database's clock
-- matter_id: id of the matter
-- number: number of the matter
-- title: title of the matter
-- responsible: who is responsible for it
-- invoices: how many invoices are unpaid
-- not_due: owed and not overdue
-- days_1_30: overdue by 1 to 30 days
-- days_31_60: overdue by 31 to 60 days
-- days_61_90: overdue by 61 to 90 days
-- over_90_days: overdue by more than 90 days
-- total: all that is owed
-- most_days: days that the oldest is overdue by, 0 or less if it is not
--
-- Translated from duckdb/receivables_by_age.sql: changes belong there.
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
