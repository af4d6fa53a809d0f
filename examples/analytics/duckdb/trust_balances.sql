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
