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
select
    accounts.accountName as account_name,
    accounts.type as account_type,
    held.matterId as matter_id,
    matters.number as number,
    matters.title as title,
    matters.status as status,
    cast(held.balance as decimal(18, 2)) as balance,
    coalesce(cast(held.protectedBalance as decimal(18, 2)), 0) as protected,
    cast(coalesce(held.availableBalance, held.balance) as decimal(18, 2)) as available,
    coalesce(cast(held.unpresentedChequesBalance as decimal(18, 2)), 0) as unpresented_cheques,
    held.lastUpdated as last_changed
from smokeball.matter_balances as held
join smokeball.bank_accounts as accounts on accounts.id = held.bankAccountId
left join smokeball.matters as matters on matters.id = held.matterId
where accounts.type in ('Trust', 'ControlledMoney')
    and cast(held.balance as decimal(18, 2)) <> 0
order by balance desc, matter_id
