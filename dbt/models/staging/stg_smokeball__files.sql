-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('files', ['id'], [
        ['matter_id', 'text', 'matterId', 'matter.id'],
        ['file_id', 'text', 'id'],
        ['version_id', 'text', 'versionId'],
        ['folder_id', 'text', 'folder.id'],
        ['name', 'text', 'name'],
        ['file_extension', 'text', 'fileExtension'],
        ['owner_id', 'text', 'ownerId'],
        ['sent_to', 'text', 'to'],
        ['sent_from', 'text', 'from'],
        ['created_at', 'time', 'dateCreated'],
        ['created_date', 'local_date', 'dateCreated'],
        ['modified_at', 'time', 'dateModified'],
        ['modified_date', 'local_date', 'dateModified'],
        ['size_bytes', 'integer', 'sizeBytes'],
        ['download_info_id', 'text', 'downloadInfo.id'],
        ['additional_data', 'json', 'additionalData'],
        ['is_favorite', 'boolean', 'isFavorite'],
        ['is_uploaded', 'boolean', 'isUploaded'],
        ['is_cancelled', 'boolean', 'isCancelled'],
        ['is_duplicate', 'boolean', 'isDuplicate'],
        ['is_marked_deleted', 'boolean', 'isDeleted'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (is_marked_deleted or removed_at is not null) as is_deleted
from staged
