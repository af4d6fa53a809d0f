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
