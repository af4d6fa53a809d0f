-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('firm_users', ['userId', 'staffId'], [
        ['record_id', 'text', 'id'],
        ['staff_id', 'text', 'staffId'],
        ['user_id', 'text', 'userId'],
        ['is_former', 'boolean', 'isFormerUser'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
