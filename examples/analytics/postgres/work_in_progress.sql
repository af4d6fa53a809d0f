-- Work in progress: what was done and spent and can still be billed, by matter.
--
-- A fee or an expense counts if it can be billed, is neither deleted nor written off, is not billed
-- outside of Smokeball, and is on no invoice or on one that has not gone out (draft) or does not
-- count (deleted, void). Amounts are without tax. Matters that are deleted are left out; leads are
-- not, since work on them is work. One row for each matter with any.
--
-- matter_id: id of the matter
-- number: number of the matter; a lead has none
-- title: title of the matter
-- status: status of the matter
-- responsible: who is responsible for it
-- hours: hours of its time entries; fixed fees have none
-- fees: what its fees come to
-- expenses: what its expenses come to
-- on_draft: how much of both is on a draft of an invoice
-- total: fees and expenses together
-- oldest: day of the oldest entry
--
-- Translated from duckdb/work_in_progress.sql: changes belong there.
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
