-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('users', ['userId'], [
        ['record_id', 'text', 'id'],
        ['user_id', 'text', 'userId'],
        ['email', 'text', 'email'],
        ['is_internal', 'boolean', 'isInternal'],
        ['is_bypass_mfa', 'boolean', 'bypassMfa'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
