-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('memos', ['id'], [
        ['memo_id', 'text', 'id'],
        ['matter_id', 'text', 'matterId'],
        ['title', 'text', 'title'],
        ['text', 'text', 'text'],
        ['plain_text', 'text', 'plainText'],
        ['created_at', 'time', 'createdDate'],
        ['created_date', 'local_date', 'createdDate'],
        ['created_by_user_id', 'text', 'createdByUserId'],
        ['last_updated_at', 'time', 'lastUpdated'],
        ['last_updated_date', 'local_date', 'lastUpdated'],
        ['updated_by_user_id', 'text', 'updatedByUserId'],
        ['is_marked_deleted', 'boolean', 'isDeleted'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
