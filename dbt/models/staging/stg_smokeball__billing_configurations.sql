-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('billing_configurations', ['matterId'], [
        ['matter_id', 'text', 'matterId'],
        ['record_id', 'text', 'id'],
        ['version_id', 'text', 'versionId'],
        ['billing_type', 'integer', 'billingType'],
        ['billing_type_name', 'text', 'billingTypeName'],
        ['amount', 'money', 'amount'],
        ['disbursement_amount', 'money', 'disbursementAmount'],
        ['contingency_amount', 'money', 'contingencyAmount'],
        ['debtors', 'json', 'debtors'],
        ['rate_set_id', 'text', 'rateSetId'],
        ['is_utbms_enabled', 'boolean', 'isUtbmsEnabled'],
        ['ledes_firm_id', 'text', 'ledesFirmId'],
        ['ledes_matter_id', 'text', 'ledesMatterId'],
        ['ledes_client_matter_id', 'text', 'ledesClientMatterId'],
        ['ledes_timekeeper_classification_type', 'integer', 'ledesTimekeeperClassificationType'],
        ['ledes_timekeeper_classification_type_name', 'text', 'ledesTimekeeperClassificationTypeName'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
