-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('transactions', ['id'], [
        ['bank_account_id', 'text', 'bankAccountId', 'bankAccount.id'],
        ['transaction_id', 'text', 'id'],
        ['payor_name', 'text', 'payorName'],
        ['matter_id', 'text', 'matter.id'],
        ['payor_id', 'text', 'payor.id'],
        ['type', 'text', 'type'],
        ['amount', 'money', 'amount'],
        ['entered_at', 'time', 'enteredDate'],
        ['entered_date', 'local_date', 'enteredDate'],
        ['effective_at', 'time', 'effectiveDate'],
        ['effective_date', 'local_date', 'effectiveDate'],
        ['reference', 'text', 'reference'],
        ['reason', 'text', 'reason'],
        ['description', 'text', 'description'],
        ['note', 'text', 'note'],
        ['is_reversed', 'boolean', 'reversed'],
        ['reversed_to_transaction_id', 'text', 'reversedToTransaction.id'],
        ['reversed_from_transaction_id', 'text', 'reversedFromTransaction.id'],
        ['extra_fields', 'json', 'extraFields'],
        ['extracted_ticks', 'integer', 'extractedTicks']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
