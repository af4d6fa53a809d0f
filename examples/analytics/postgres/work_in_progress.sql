-- Work in progress: unbilled fees and expenses by matter.
--
-- Counts billable fees and expenses that are not deleted, not written off and not billed outside of
-- Smokeball. They must have no invoice, or only a draft, deleted or void one. Amounts exclude tax.
-- Excludes deleted matters but includes leads, because work on leads is work. One row per matter with
-- unbilled entries.
--
-- matter_id: id of the matter
-- number: number of the matter; leads have none
-- title: title of the matter
-- status: status of the matter
-- responsible: name of the person responsible
-- hours: hours of time entries, without fixed fees
-- fees: sum of fees
-- expenses: sum of expenses
-- on_draft: part of the total that is on a draft invoice
-- total: sum of fees and expenses
-- oldest: date of the oldest entry
--
-- Generated from duckdb/work_in_progress.sql. Edit that file.
WITH entries AS (
  SELECT
    "matterId",
    "invoiceId",
    CAST("feeDate" AS DATE) AS day,
    CASE WHEN "feeType" = 1 THEN duration ELSE 0 END AS minutes,
    CAST("billableAmountExcTax" AS DECIMAL(18, 2)) AS fee,
    CAST(0 AS DECIMAL(18, 2)) AS expense
  FROM smokeball.fees
  WHERE
    COALESCE("isBillable", TRUE)
    AND NOT COALESCE("isDeleted", FALSE)
    AND NOT COALESCE("isWrittenOff", FALSE)
    AND NOT COALESCE("isInvoicedExternally", FALSE)
  UNION ALL
  SELECT
    "matterId",
    "invoiceId",
    CAST("expenseDate" AS DATE) AS day,
    0 AS minutes,
    CAST(0 AS DECIMAL(18, 2)) AS fee,
    CAST("amountExcTax" AS DECIMAL(18, 2)) AS expense
  FROM smokeball.expenses
  WHERE
    COALESCE("isBillable", TRUE)
    AND NOT COALESCE("isDeleted", FALSE)
    AND NOT COALESCE("isWrittenOff", FALSE)
    AND NOT COALESCE("isInvoicedExternally", FALSE)
), unbilled AS (
  SELECT
    entries."matterId",
    CAST(CAST(SUM(entries.minutes) AS DOUBLE PRECISION) / 60 AS DECIMAL(18, 2)) AS hours,
    SUM(entries.fee) AS fees,
    SUM(entries.expense) AS expenses,
    SUM(CASE WHEN invoices.status = 0 THEN entries.fee + entries.expense ELSE 0 END) AS on_draft,
    MIN(entries.day) AS oldest
  FROM entries
  LEFT JOIN smokeball.invoices AS invoices
    ON invoices.id = entries."invoiceId"
  WHERE
    entries."invoiceId" IS NULL OR invoices.status IN (0, 3, 4)
  GROUP BY
    entries."matterId"
)
SELECT
  unbilled."matterId" AS matter_id,
  matters.number AS number,
  matters.title AS title,
  matters.status AS status,
  NULLIF(TRIM(CONCAT(staff."firstName", ' ', staff."lastName")), '') AS responsible,
  unbilled.hours AS hours,
  unbilled.fees AS fees,
  unbilled.expenses AS expenses,
  unbilled.on_draft AS on_draft,
  unbilled.fees + unbilled.expenses AS total,
  unbilled.oldest AS oldest
FROM unbilled
LEFT JOIN smokeball.matters AS matters
  ON matters.id = unbilled."matterId"
LEFT JOIN smokeball.staff AS staff
  ON staff.id = (
    matters."personResponsible" ->> 'id'
  )
WHERE
  COALESCE(matters.status, '') <> 'Deleted'
ORDER BY
  total DESC NULLS LAST,
  matter_id;
