"""Streams of contents: each row is a document whose content is in the storage."""

from __future__ import annotations

import abc
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from tap_smokeball.api.client import Endpoint
from tap_smokeball.documents.collector import DocumentCollector, PendingDocument
from tap_smokeball.documents.download import Address
from tap_smokeball.documents.manifest import Manifest
from tap_smokeball.documents.storage import DocumentStorage
from tap_smokeball.errors import RequestInfo, UnexpectedResponseError
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.document_reader import DocumentReader

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk.helpers import types

    from tap_smokeball.api.pages import Row
    from tap_smokeball.documents.manifest import Entry
    from tap_smokeball.sync.document_reader import Document
    from tap_smokeball.sync.source_list import SourceList


class ContentStream(ChildStream):
    """The contents of the documents of each parent.

    The list of documents is read in each run. A version whose content is stored takes no further
    request, because the manifest in the storage has it: the state does not grow, and may be old.

    Attributes:
        documents: The list of the documents of a parent.
        document_key: Column and placeholder with the id of a document.
        address_path: Path of the endpoint that gives the time-limited address of a document.
        history: The list that names the earlier versions of a document, if there is one.
    """

    documents: ClassVar[SourceList]
    document_key: ClassVar[str]
    address_path: ClassVar[str]
    has_usual_rows = False  # they are made of several responses
    history: ClassVar[SourceList | None] = None
    is_recursive = True

    _collector: DocumentCollector | None = None
    _rows = _requested = 0

    @abc.abstractmethod
    def describe(self, row: Row) -> Document | None:
        """Return the document of a row of the list, or None if the row is none."""

    @property
    @override
    def skip_reason(self) -> str:
        return "documents_url is not set" if self.session.settings.documents_url is None else ""

    @property
    def reads_earlier_versions(self) -> bool:
        """Whether the earlier versions of documents are stored as well."""
        return self.history is not None and self.session.settings.documents_earlier_versions

    @override
    def read_pieces(self) -> Iterator[list[types.Record]]:
        session = self.session
        if self.skip_reason:
            self.logger.warning("%s is selected, but %s: skipped", self.name, self.skip_reason)
            return
        if self.sample_rows is not None:  # nothing is stored
            yield from super().read_pieces()
            return
        collector = DocumentCollector(
            session.settings, self.name, session.client.transport.run_ends_at, self.logger
        )
        self._collector = collector
        try:
            yield from super().read_pieces()
        finally:
            self._collector = None
            collector.close()

    @override
    def requests_per_parent(self, rows: int) -> int:
        share = self._requested / self._rows if self._rows else 1
        return super().requests_per_parent(rows) + round(rows * share)

    def count_requests(self) -> None:
        """Count a request besides those of the lists."""
        self._requested += 1

    @cached_property
    def _stored(self) -> Manifest:
        """What is stored, to estimate a run; nothing is written."""
        settings = self.session.settings
        storage = DocumentStorage(settings.documents_url or "", settings.documents_options)
        return Manifest(storage, self.name)

    @override
    def read_children(self, ids: dict[str, str], params: dict[str, Any]) -> Iterator[list[Row]]:
        listed = self.documents.read(self, ids, lambda request: request())
        found = (d for rows in listed for row in rows if (d := self.describe(row)))
        collector = self._collector
        if collector is None and self.sample_rows is not None:
            yield [self.row_of(document, error="not downloaded") for document in found]
            return
        manifest = collector.manifest if collector else self._stored
        reader = DocumentReader(self, ids, manifest.read(ids[self.parent_key]), collector)
        for document in found:
            yield from reader.read(document)
        yield from reader.read_rest()
        if reader.first_error:  # now that the others are read: the next run retries the parent
            raise reader.first_error

    def unavailable(self, document: Document) -> str:
        """Return why no content is requested for a document, or "" if it is."""
        max_bytes = self.session.settings.documents_max_bytes
        is_too_large = max_bytes is not None and (document.size_bytes or 0) > max_bytes
        return document.unavailable or ("too large" if is_too_large else "")

    def read_history(self, document: Document, ids: dict[str, str]) -> tuple[str, ...]:
        """Return the IDs of the earlier versions that the history of a document names.

        Raises:
            SmokeballError: The request failed.
        """
        assert self.history is not None  # noqa: S101 - callers have checked it
        self.count_requests()
        entries = self.history.read(
            self, {**ids, self.document_key: document.id}, lambda request: request()
        )
        named = (self.history.id_of(row) for rows in entries for row in rows)
        return tuple(dict.fromkeys(id_ for id_ in named if id_ and id_ != document.version_id))

    def pending(
        self, document: Document, ids: dict[str, str], on_stored: Callable[[Entry], None]
    ) -> PendingDocument:
        """Return a document to download."""
        endpoint = Endpoint(self.address_path, self.scope, self.name)
        ids = {**ids, self.document_key: document.id}
        params = {"versionId": document.version_id} if document.is_earlier else {}

        def get_address() -> Address:
            self.count_requests()
            address = self.session.client.get(endpoint, ids, params, _parse_address).data
            # The API does not say whether the size is that of the version or of the file.
            return Address(address.url) if document.is_earlier else address

        info = RequestInfo(self.name, f"{self.address_path}, its content")
        return PendingDocument(info, document.extension, get_address, on_stored)

    def row_of(
        self, document: Document, entry: Entry | None = None, error: str | None = None
    ) -> Row:
        """Return the row of a document, whose content is stored or not available."""
        self._rows += 1
        row: Row = {
            self.document_key: document.id,
            "versionId": document.version_id,
            "name": document.name,
            "extension": document.extension,
            "sizeBytes": document.size_bytes,
            "error": error,
        }
        if entry is not None:
            row |= {
                "sizeBytes": entry.size_bytes,
                "sha256": entry.sha256,
                "path": entry.path,
                "mediaType": entry.media_type,
                "declaredMediaType": entry.declared_media_type,
                "downloadedAt": entry.downloaded_at,
            }
        return row


def _parse_address(body: Any) -> Address:
    if not isinstance(body, dict) or not isinstance(url := body.get("downloadUrl"), str):
        raise UnexpectedResponseError("the response has no address")
    return Address(url, as_size(body.get("sizeBytes")))


def as_size(value: Any) -> int | None:
    """Return a number of bytes, if a value of the API is one."""
    is_size = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_size else None
