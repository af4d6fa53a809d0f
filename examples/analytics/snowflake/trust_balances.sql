-- Trust balances: money that the firm holds for clients, by matter and account.
--
-- Covers trust and controlled money accounts, open or closed. Includes closed matters, which should
-- have no balance, and deleted matters. One row per account and matter with a nonzero balance.
--
-- account_name: name of the account
-- account_type: Trust or ControlledMoney
-- matter_id: id of the matter
-- number: number of the matter
-- title: title of the matter
-- status: status of the matter
-- balance: current balance
-- protected: protected part of the balance
-- available: available part of the balance
-- unpresented_cheques: amount of cheques that are not yet reconciled
-- last_changed: time of the last change of the balance, if known
--
-- Generated from duckdb/trust_balances.sql. Edit that file.
SELECT
  accounts.accountName AS account_name,
  accounts.type AS account_type,
  held.matterId AS matter_id,
  matters.number AS number,
  matters.title AS title,
  matters.status AS status,
  CAST(held.balance AS DECIMAL(18, 2)) AS balance,
  COALESCE(CAST(held.protectedBalance AS DECIMAL(18, 2)), 0) AS protected,
  CAST(COALESCE(held.availableBalance, held.balance) AS DECIMAL(18, 2)) AS available,
  COALESCE(CAST(held.unpresentedChequesBalance AS DECIMAL(18, 2)), 0) AS unpresented_cheques,
  held.lastUpdated AS last_changed
FROM smokeball.matter_balances AS held
JOIN smokeball.bank_accounts AS accounts
  ON accounts.id = held.bankAccountId
LEFT JOIN smokeball.matters AS matters
  ON matters.id = held.matterId
WHERE
  accounts.type IN ('Trust', 'ControlledMoney')
  AND CAST(held.balance AS DECIMAL(18, 2)) <> 0
ORDER BY
  balance DESC NULLS LAST,
  matter_id;
