-- Trust balances: what the firm holds for clients, by matter and account.
--
-- Trust accounts and controlled money, open or closed. Nothing that is held is left out: not that of
-- closed matters, which should hold nothing any more, nor that of deleted ones. One row for each
-- account and matter that hold something, or lack it.
--
-- account_name: name of the account
-- account_type: Trust or ControlledMoney
-- matter_id: id of the matter
-- number: number of the matter
-- title: title of the matter
-- status: status of the matter
-- balance: what is held
-- protected: the part of it that is protected
-- available: the part of it that can be used
-- unpresented_cheques: cheques that are not reconciled yet
-- last_changed: when the balance last changed, if that is known
--
-- Translated from duckdb/trust_balances.sql: changes belong there.
SELECT
  accounts.accountName AS account_name,
  accounts.type AS account_type,
  held.matterId AS matter_id,
  matters.number AS number,
  matters.title AS title,
  matters.status AS status,
  ROUND(CAST(held.balance AS NUMERIC), 2) AS balance,
  COALESCE(ROUND(CAST(held.protectedBalance AS NUMERIC), 2), 0) AS protected,
  ROUND(CAST(COALESCE(held.availableBalance, held.balance) AS NUMERIC), 2) AS available,
  COALESCE(ROUND(CAST(held.unpresentedChequesBalance AS NUMERIC), 2), 0) AS unpresented_cheques,
  held.lastUpdated AS last_changed
FROM smokeball.matter_balances AS held
JOIN smokeball.bank_accounts AS accounts
  ON accounts.id = held.bankAccountId
LEFT JOIN smokeball.matters AS matters
  ON matters.id = held.matterId
WHERE
  accounts.type IN ('Trust', 'ControlledMoney')
  AND ROUND(CAST(held.balance AS NUMERIC), 2) <> 0
ORDER BY
  balance DESC,
  matter_id NULLS LAST;
