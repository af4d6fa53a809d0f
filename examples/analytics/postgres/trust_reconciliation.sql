-- Trust reconciliation: what an account holds for a matter, against the sum of its transactions.
--
-- All accounts, the firm's own too. Amounts of transactions are positive, and their type says which
-- way the money went: deposits, interest and reversals of payments in; payments, bank fees and
-- reversals of deposits and of interest out; a transfer carries its own sign. A type that is not
-- among these is counted, and not added. Reversed transactions stay, beside what reverses them. One
-- row for each account and matter that have either; those that differ come first.
--
-- account_id: id of the account
-- account_name: name of the account
-- account_type: Operating, Trust, Credit or ControlledMoney
-- matter_id: id of the matter; none for what belongs to no matter
-- number: number of the matter
-- transactions: how many transactions there are
-- unknown: how many of them are of a type that is not known
-- balance: what the account holds for the matter
-- moved: what its transactions come to
-- difference: balance less moved: 0 unless something is missing
--
-- Translated from duckdb/trust_reconciliation.sql: changes belong there.
WITH moves AS (
  SELECT
    "bankAccountId" AS account_id,
    COALESCE(matter ->> 'id', '') AS matter_id,
    CASE
      WHEN type IN (
        'Deposit',
        'Interest',
        'Transfer',
        'InvoicePaymentReversal',
        'VendorPaymentReversal',
        'BankFeesReversal'
      )
      THEN CAST(amount AS DECIMAL(18, 2))
      WHEN type IN (
        'InvoicePayment',
        'VendorPayment',
        'BankFees',
        'DepositReversal',
        'InterestReversal'
      )
      THEN -CAST(amount AS DECIMAL(18, 2))
    END AS amount
  FROM smokeball.transactions
), moved AS (
  SELECT
    account_id,
    matter_id,
    COUNT(*) AS transactions,
    SUM(CASE WHEN amount IS NULL THEN 1 ELSE 0 END) AS unknown,
    SUM(COALESCE(amount, 0)) AS amount
  FROM moves
  GROUP BY
    account_id,
    matter_id
), held AS (
  SELECT
    "bankAccountId" AS account_id,
    COALESCE("matterId", '') AS matter_id,
    SUM(CAST(balance AS DECIMAL(18, 2))) AS amount
  FROM smokeball.matter_balances
  GROUP BY
    "bankAccountId",
    COALESCE("matterId", '')
), both_sides AS (
  SELECT
    COALESCE(held.account_id, moved.account_id) AS account_id,
    COALESCE(held.matter_id, moved.matter_id) AS matter_id,
    COALESCE(moved.transactions, 0) AS transactions,
    COALESCE(moved.unknown, 0) AS unknown,
    COALESCE(held.amount, 0) AS balance,
    COALESCE(moved.amount, 0) AS moved
  FROM held
  FULL OUTER JOIN moved
    ON moved.account_id = held.account_id AND moved.matter_id = held.matter_id
)
SELECT
  both_sides.account_id AS account_id,
  accounts."accountName" AS account_name,
  accounts.type AS account_type,
  NULLIF(both_sides.matter_id, '') AS matter_id,
  matters.number AS number,
  both_sides.transactions AS transactions,
  both_sides.unknown AS unknown,
  both_sides.balance AS balance,
  both_sides.moved AS moved,
  both_sides.balance - both_sides.moved AS difference
FROM both_sides
LEFT JOIN smokeball.bank_accounts AS accounts
  ON accounts.id = both_sides.account_id
LEFT JOIN smokeball.matters AS matters
  ON matters.id = both_sides.matter_id
ORDER BY
  ABS(both_sides.balance - both_sides.moved) DESC NULLS LAST,
  account_id,
  matter_id;
