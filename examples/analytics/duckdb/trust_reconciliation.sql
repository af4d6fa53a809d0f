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
with moves as (
    select
        bankAccountId as account_id,
        coalesce(matter ->> '$.id', '') as matter_id,
        case
            when type in (
                'Deposit', 'Interest', 'Transfer',
                'InvoicePaymentReversal', 'VendorPaymentReversal', 'BankFeesReversal'
            ) then cast(amount as decimal(18, 2))
            when type in (
                'InvoicePayment', 'VendorPayment', 'BankFees',
                'DepositReversal', 'InterestReversal'
            ) then -cast(amount as decimal(18, 2))
        end as amount
    from smokeball.transactions
),
moved as (
    select
        account_id,
        matter_id,
        count(*) as transactions,
        sum(case when amount is null then 1 else 0 end) as unknown,
        sum(coalesce(amount, 0)) as amount
    from moves
    group by account_id, matter_id
),
held as (
    select
        bankAccountId as account_id,
        coalesce(matterId, '') as matter_id,
        sum(cast(balance as decimal(18, 2))) as amount
    from smokeball.matter_balances
    group by bankAccountId, coalesce(matterId, '')
),
both_sides as (
    select
        coalesce(held.account_id, moved.account_id) as account_id,
        coalesce(held.matter_id, moved.matter_id) as matter_id,
        coalesce(moved.transactions, 0) as transactions,
        coalesce(moved.unknown, 0) as unknown,
        coalesce(held.amount, 0) as balance,
        coalesce(moved.amount, 0) as moved
    from held
    full outer join moved
        on moved.account_id = held.account_id and moved.matter_id = held.matter_id
)
select
    both_sides.account_id as account_id,
    accounts.accountName as account_name,
    accounts.type as account_type,
    nullif(both_sides.matter_id, '') as matter_id,
    matters.number as number,
    both_sides.transactions as transactions,
    both_sides.unknown as unknown,
    both_sides.balance as balance,
    both_sides.moved as moved,
    both_sides.balance - both_sides.moved as difference
from both_sides
left join smokeball.bank_accounts as accounts on accounts.id = both_sides.account_id
left join smokeball.matters as matters on matters.id = both_sides.matter_id
order by abs(both_sides.balance - both_sides.moved) desc, account_id, matter_id
