"""Streams of contents: files and invoices, stored where ``documents_url`` says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tap_smokeball.records.columns import date_time, integer, sensitive, string
from tap_smokeball.streams.billing import InvoicesStream
from tap_smokeball.streams.documents import FilesStream, FileVersionsStream
from tap_smokeball.streams.matters import MattersStream
from tap_smokeball.sync.content_stream import ContentStream, as_size
from tap_smokeball.sync.document_reader import Document
from tap_smokeball.sync.source_list import SourceList

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from tap_smokeball.api.pages import Row

_CONTENT = (
    *sensitive("privileged", string("name", "Name without extension; the number, for invoices")),
    string("extension", "Extension, such as .pdf"),
    string("mediaType", "Media type that the content shows; null if it has no known form"),
    string("declaredMediaType", "Media type that the download declares"),
    integer("sizeBytes", "Size in bytes"),
    string("sha256", "SHA-256 checksum of the content (hex)"),
    string("path", "Path of the content in the storage"),
    date_time("downloadedAt", "Date and time of the download"),
    string("error", "Reason why there is no content, such as `too large` or `not found`"),
)
_DRAFT, _DELETED = 0, 3


class FileContentsStream(ContentStream):
    """Contents of the files and emails of a matter, in your storage, with checksums."""

    name = "file_contents"
    selected_by_default = False
    path = "/matters/{matterId}/documents/files"
    address_path = "/matters/{matterId}/documents/files/{fileId}/download"
    primary_keys = ("fileId", "versionId")
    parent_stream_type = MattersStream
    parent_key = "matterId"
    scope = "documents/read"
    sort = "asc(dateCreated)"
    documents = SourceList(FilesStream)
    document_key = "fileId"
    history = SourceList(FileVersionsStream, "documentVersionId")
    event_types = ("files.updated",)
    columns = (
        string("fileId", "ID of the file"),
        string("versionId", "ID of the version of the file; empty if it has none"),
        *_CONTENT,
    )

    @override
    def describe(self, row: Row) -> Document:
        reasons = {
            "deleted": row.get("isDeleted") is True,
            "upload canceled": row.get("isCancelled") is True,
            "not uploaded": row.get("isUploaded") is False,
        }
        return Document(
            id=str(row["id"]),
            version_id=str(row.get("versionId") or ""),
            name=row.get("name"),
            extension=str(row.get("fileExtension") or ""),
            size_bytes=as_size(row.get("sizeBytes")),
            unavailable=next((reason for reason, holds in reasons.items() if holds), ""),
        )


class InvoiceDocumentsStream(ContentStream):
    """Invoices of a matter as PDF, as they were sent, in your storage, with checksums."""

    name = "invoice_documents"
    selected_by_default = False
    path = "/matters/{matterId}/invoices"
    address_path = "/matters/{matterId}/invoices/{invoiceId}/download"
    primary_keys = ("invoiceId", "versionId")
    parent_stream_type = MattersStream
    parent_key = "matterId"
    scope = "invoices/read"
    sensitivity = "privileged"
    documents = SourceList(InvoicesStream)
    document_key = "invoiceId"
    event_types = ("invoice.created", "invoice.updated", "invoice.finalized")
    columns = (
        string("invoiceId", "ID of the invoice"),
        string("versionId", "ID of the version of the invoice; empty if it has none"),
        *_CONTENT,
    )

    @override
    def describe(self, row: Row) -> Document | None:
        if row.get("status") == _DRAFT:  # not sent yet
            return None
        number = row.get("invoiceNumber")
        return Document(
            id=str(row["id"]),
            version_id=str(row.get("versionId") or ""),
            name=None if number is None else str(number),
            extension=".pdf",
            unavailable="deleted" if row.get("status") == _DELETED else "",
        )


STREAMS = (FileContentsStream, InvoiceDocumentsStream)
