-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('matter_balances', ['bankAccountId', 'matterId'], [
        ['bank_account_id', 'text', 'bankAccountId'],
        ['matter_id', 'text', 'matterId', 'matter.id'],
        ['balance', 'money', 'balance'],
        ['protected_balance', 'money', 'protectedBalance'],
        ['available_balance', 'money', 'availableBalance'],
        ['unpresented_cheques_balance', 'money', 'unpresentedChequesBalance'],
        ['last_updated_at', 'time', 'lastUpdated'],
        ['last_updated_date', 'local_date', 'lastUpdated'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
