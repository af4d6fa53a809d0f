-- Trust reconciliation: balance of a matter in an account against the sum of its transactions.
--
-- Covers all accounts, including the firm's operating accounts. Transaction amounts are positive; the
-- type determines the sign. Deposits, interest and reversals of payments count as in; payments, bank
-- fees and reversals of deposits and interest count as out; a transfer has its sign already.
-- Transactions of an unknown type are counted but not added. A reversed transaction stays in the
-- list, next to its reversal. One row per account and matter with a balance or transactions; rows
-- with a difference come first.
--
-- account_id: id of the account
-- account_name: name of the account
-- account_type: Operating, Trust, Credit or ControlledMoney
-- matter_id: id of the matter; null for transactions without a matter
-- number: number of the matter
-- transactions: number of transactions
-- unknown: number of transactions of an unknown type
-- balance: balance of the matter in the account
-- moved: sum of the transactions
-- difference: balance minus moved; 0 if they reconcile
--
-- Generated from duckdb/trust_reconciliation.sql. Edit that file.
WITH moves AS (
  SELECT
    bankAccountId AS account_id,
    COALESCE(CAST(GET_PATH(matter, 'id') AS VARCHAR), '') AS matter_id,
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
    bankAccountId AS account_id,
    COALESCE(matterId, '') AS matter_id,
    SUM(CAST(balance AS DECIMAL(18, 2))) AS amount
  FROM smokeball.matter_balances
  GROUP BY
    bankAccountId,
    COALESCE(matterId, '')
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
  accounts.accountName AS account_name,
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
