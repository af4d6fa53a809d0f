-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('invoice_documents', ['invoiceId', 'versionId'], [
        ['matter_id', 'text', 'matterId'],
        ['invoice_id', 'text', 'invoiceId'],
        ['version_id', 'text', 'versionId'],
        ['name', 'text', 'name'],
        ['extension', 'text', 'extension'],
        ['media_type', 'text', 'mediaType'],
        ['declared_media_type', 'text', 'declaredMediaType'],
        ['size_bytes', 'integer', 'sizeBytes'],
        ['sha256', 'text', 'sha256'],
        ['path', 'text', 'path'],
        ['downloaded_at', 'time', 'downloadedAt'],
        ['error', 'text', 'error'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
