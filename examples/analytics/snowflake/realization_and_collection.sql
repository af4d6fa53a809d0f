-- Realization and collection: billed share of recorded work, and paid share of invoices, by month.
--
-- The month is the month of the issue date. Counts invoices that were issued (final or paid), except
-- those of deleted matters. Realization is the amount billed divided by the recorded value of the
-- work; the difference is non-billable time, write-offs and discounts. Collection is the amount paid
-- divided by the total amount due. Needs the full history: an invoice whose fees were not loaded has
-- no recorded value.
--
-- month: first day of the month
-- invoices: number of invoices issued
-- recorded: full value of their fees and expenses, excluding tax
-- written_off: amount written off at billing
-- discount: discount granted
-- billed: fees and expenses billed, excluding tax, after write-offs and discounts
-- realization: billed as a percentage of recorded
-- due: total amount due with tax, surcharge and interest, after write-offs and discounts
-- paid: part of the amount due that has been paid to date
-- waived: part of the amount due that was waived
-- unpaid: amount outstanding
-- collection: paid as a percentage of due
--
-- Generated from duckdb/realization_and_collection.sql. Edit that file.
WITH entries AS (
  SELECT
    invoiceId,
    CAST(amountExcTax AS DECIMAL(18, 2)) AS amount
  FROM smokeball.fees
  WHERE
    NOT COALESCE(isDeleted, FALSE)
  UNION ALL
  SELECT
    invoiceId,
    CAST(amountExcTax AS DECIMAL(18, 2)) AS amount
  FROM smokeball.expenses
  WHERE
    NOT COALESCE(isDeleted, FALSE)
), recorded AS (
  SELECT
    invoiceId,
    SUM(amount) AS amount
  FROM entries
  WHERE
    NOT invoiceId IS NULL
  GROUP BY
    invoiceId
), sent AS (
  SELECT
    CAST(DATE_TRUNC('MONTH', CAST(invoices.issuedDate AS DATE)) AS DATE) AS month,
    COALESCE(recorded.amount, 0) AS recorded,
    CAST(CAST(GET_PATH(invoices.invoiceTotals, 'billed') AS VARCHAR) AS DECIMAL(18, 2)) AS gross,
    CAST(CAST(GET_PATH(invoices.invoiceTotals, 'writtenOff') AS VARCHAR) AS DECIMAL(18, 2)) AS written_off,
    CAST(CAST(GET_PATH(invoices.invoiceTotals, 'discount') AS VARCHAR) AS DECIMAL(18, 2)) AS discount,
    CAST(CAST(GET_PATH(invoices.invoiceTotals, 'total') AS VARCHAR) AS DECIMAL(18, 2)) AS total,
    CAST(CAST(GET_PATH(invoices.invoiceTotals, 'paid') AS VARCHAR) AS DECIMAL(18, 2)) AS paid,
    CAST(CAST(GET_PATH(invoices.invoiceTotals, 'waived') AS VARCHAR) AS DECIMAL(18, 2)) AS waived,
    CAST(CAST(GET_PATH(invoices.invoiceTotals, 'unpaid') AS VARCHAR) AS DECIMAL(18, 2)) AS unpaid
  FROM smokeball.invoices AS invoices
  LEFT JOIN recorded
    ON recorded.invoiceId = invoices.id
  LEFT JOIN smokeball.matters AS matters
    ON matters.id = invoices.matterId
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
  CAST(100 * SUM(sent.gross - sent.written_off - sent.discount) / NULLIF(SUM(sent.recorded), 0) AS DECIMAL(18, 1)) AS realization,
  SUM(sent.total - sent.written_off - sent.discount) AS due,
  SUM(sent.paid) AS paid,
  SUM(sent.waived) AS waived,
  SUM(sent.unpaid) AS unpaid,
  CAST(100 * SUM(sent.paid) / NULLIF(SUM(sent.total - sent.written_off - sent.discount), 0) AS DECIMAL(18, 1)) AS collection
FROM sent
GROUP BY
  sent.month
ORDER BY
  month;
