-- Realization and collection: how much of the work was billed, and of the bills paid, by month.
--
-- The month is that of the invoice's date of issue. An invoice counts if it has gone out (final or
-- paid); those of deleted matters do not. Realization compares what clients were asked to pay for
-- the work with what it was recorded at: what is lost on the way is time that cannot be billed,
-- written off or discounted. Collection compares what was paid with what was asked for in all.
-- Needs the whole history: an invoice whose fees were not loaded has nothing recorded.
--
-- month: first day of the month
-- invoices: how many invoices went out
-- recorded: full value of their fees and expenses, without tax
-- written_off: written off of that when they were billed
-- discount: taken off as a discount
-- billed: asked for as fees and expenses, without tax, less what is written off and discounted
-- realization: billed, in percent of recorded
-- due: asked for in all, with tax, surcharge and interest, less the same
-- paid: paid of that up to now
-- waived: waived of that
-- unpaid: still due
-- collection: paid, in percent of due
--
-- Translated from duckdb/realization_and_collection.sql: changes belong there.
WITH entries AS (
  SELECT
    "invoiceId",
    CAST("amountExcTax" AS DECIMAL(18, 2)) AS amount
  FROM smokeball.fees
  WHERE
    NOT COALESCE("isDeleted", FALSE)
  UNION ALL
  SELECT
    "invoiceId",
    CAST("amountExcTax" AS DECIMAL(18, 2)) AS amount
  FROM smokeball.expenses
  WHERE
    NOT COALESCE("isDeleted", FALSE)
), recorded AS (
  SELECT
    "invoiceId",
    SUM(amount) AS amount
  FROM entries
  WHERE
    NOT "invoiceId" IS NULL
  GROUP BY
    "invoiceId"
), sent AS (
  SELECT
    CAST(DATE_TRUNC('MONTH', CAST(invoices."issuedDate" AS DATE)) AS DATE) AS month,
    COALESCE(recorded.amount, 0) AS recorded,
    CAST(invoices."invoiceTotals" ->> 'billed' AS DECIMAL(18, 2)) AS gross,
    CAST(invoices."invoiceTotals" ->> 'writtenOff' AS DECIMAL(18, 2)) AS written_off,
    CAST(invoices."invoiceTotals" ->> 'discount' AS DECIMAL(18, 2)) AS discount,
    CAST(invoices."invoiceTotals" ->> 'total' AS DECIMAL(18, 2)) AS total,
    CAST(invoices."invoiceTotals" ->> 'paid' AS DECIMAL(18, 2)) AS paid,
    CAST(invoices."invoiceTotals" ->> 'waived' AS DECIMAL(18, 2)) AS waived,
    CAST(invoices."invoiceTotals" ->> 'unpaid' AS DECIMAL(18, 2)) AS unpaid
  FROM smokeball.invoices AS invoices
  LEFT JOIN recorded
    ON recorded."invoiceId" = invoices.id
  LEFT JOIN smokeball.matters AS matters
    ON matters.id = invoices."matterId"
  WHERE
    invoices.status IN (1, 2) AND COALESCE(matters.status, '') <> 'Deleted'
)
SELECT
  sent.month AS month,
  COUNT(*) AS invoices,
  SUM(sent.recorded) AS recorded,
  SUM(sent.written_off) AS written_off,
  SUM(sent.discount) AS discount,
  SUM(sent.gross - sent.written_off - sent.discount) AS billed,
  CAST(CAST(100 * SUM(sent.gross - sent.written_off - sent.discount) AS DOUBLE PRECISION) / NULLIF(SUM(sent.recorded), 0) AS DECIMAL(18, 1)) AS realization,
  SUM(sent.total - sent.written_off - sent.discount) AS due,
  SUM(sent.paid) AS paid,
  SUM(sent.waived) AS waived,
  SUM(sent.unpaid) AS unpaid,
  CAST(CAST(100 * SUM(sent.paid) AS DOUBLE PRECISION) / NULLIF(SUM(sent.total - sent.written_off - sent.discount), 0) AS DECIMAL(18, 1)) AS collection
FROM sent
GROUP BY
  sent.month
ORDER BY
  month;
