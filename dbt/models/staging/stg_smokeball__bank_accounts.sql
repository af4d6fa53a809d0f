-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('bank_accounts', ['id'], [
        ['bank_account_id', 'text', 'id'],
        ['type', 'text', 'type'],
        ['status', 'integer', 'status'],
        ['status_name', 'text', 'statusName'],
        ['matter_id', 'text', 'matter.id'],
        ['account_type', 'integer', 'accountType'],
        ['account_type_name', 'text', 'accountTypeName'],
        ['account_name', 'text', 'accountName'],
        ['account_number', 'text', 'accountNumber'],
        ['bank_name', 'text', 'bankName'],
        ['branch_number', 'text', 'branchNumber'],
        ['branch_name', 'text', 'branchName'],
        ['balance', 'money', 'balance'],
        ['contact_balances', 'json', 'contactBalances'],
        ['matter_balances', 'json', 'matterBalances'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
