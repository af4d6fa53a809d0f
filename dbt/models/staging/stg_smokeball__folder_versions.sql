-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('folder_versions', ['folderId', 'id'], [
        ['matter_id', 'text', 'matterId'],
        ['folder_id', 'text', 'folderId', 'folder.id'],
        ['record_id', 'text', 'id'],
        ['type', 'text', 'type'],
        ['change_type', 'text', 'changeType'],
        ['timestamp_at', 'time', 'timestamp'],
        ['timestamp_date', 'local_date', 'timestamp'],
        ['file_id', 'text', 'file.id'],
        ['old_name', 'text', 'oldName'],
        ['new_name', 'text', 'newName'],
        ['old_matter_id', 'text', 'oldMatterId'],
        ['new_matter_id', 'text', 'newMatterId'],
        ['old_folder_id', 'text', 'oldFolderId'],
        ['new_folder_id', 'text', 'newFolderId'],
        ['copy_source_file_id', 'text', 'copySourceFileId'],
        ['copy_source_folder_id', 'text', 'copySourceFolderId'],
        ['document_version_id', 'text', 'documentVersionId'],
        ['user_id', 'text', 'userId'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
