"""Streams of contents: each row is a document whose content is in the storage."""

from __future__ import annotations

import abc
import sys
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from tap_smokeball.api.client import Endpoint
from tap_smokeball.documents.collector import DocumentCollector, PendingDocument
from tap_smokeball.documents.download import Address, UnavailableError
from tap_smokeball.errors import RequestInfo, SmokeballError, UnexpectedResponseError
from tap_smokeball.sync.child_stream import ChildStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers import types

    from tap_smokeball.api.pages import Row
    from tap_smokeball.documents.manifest import Entry, MatterEntries
    from tap_smokeball.sync.source_list import SourceList

PENDING_PER_PARENT = 8
"""Documents of one parent that are requested before the first of them is stored."""


@dataclass(frozen=True)
class Document:
    """A document, as its row in a list describes it.

    Attributes:
        id: Its id.
        version_id: ID of its version; "" if it has none.
        name: Its name without the extension.
        extension: Its extension, with the dot.
        size_bytes: Its size, if the list says so.
        unavailable: Why it has no content; "" if it has.
    """

    id: str
    version_id: str
    name: str | None
    extension: str
    size_bytes: int | None = None
    unavailable: str = ""


class ContentStream(ChildStream):
    """The contents of the documents of each parent.

    The list of documents is read in each run. A version whose content is stored takes no further
    request, because the manifest in the storage has it: the state does not grow, and may be old.

    Attributes:
        documents: The list of the documents of a parent.
        document_key: Column and placeholder with the id of a document.
        address_path: Path of the endpoint that gives the time-limited address of a document.
    """

    documents: ClassVar[SourceList]
    document_key: ClassVar[str]
    address_path: ClassVar[str]
    has_usual_rows = False  # they are made of several responses

    _collector: DocumentCollector | None = None
    _listed = _requested = 0

    @abc.abstractmethod
    def describe(self, row: Row) -> Document | None:
        """Return the document of a row of the list, or None if the row is none."""

    @override
    def read_records(self) -> Iterator[types.Record]:
        session = self.session
        if session.settings.documents_url is None:
            self.logger.warning("%s is selected, but documents_url is not set: skipped", self.name)
            return
        if self.sample_rows is not None:  # nothing is stored
            yield from super().read_records()
            return
        collector = DocumentCollector(
            session.settings, self.name, session.client.transport.run_ends_at, self.logger
        )
        self._collector = collector
        try:
            yield from super().read_records()
        finally:
            self._collector = None
            collector.close()

    @override
    def requests_per_parent(self, rows: int) -> int:
        share = self._requested / self._listed if self._listed else 1
        return super().requests_per_parent(rows) + round(rows * share)

    @override
    def read_children(self, ids: dict[str, str], params: dict[str, Any]) -> Iterator[list[Row]]:
        listed = self.documents.read(self, ids, lambda request: request())
        found = (d for rows in listed for row in rows if (d := self.describe(row)))
        collector = self._collector
        if collector is None:
            yield [self.row_of(document, error="not downloaded") for document in found]
            return
        reader = _ParentReader(self, collector, ids)
        for document in found:
            self._listed += 1
            yield from reader.read(document)
        yield from reader.read_rest()
        if reader.first_error:  # now that the others are read: the next run retries the parent
            raise reader.first_error

    def pending(
        self, document: Document, ids: dict[str, str], entries: MatterEntries
    ) -> PendingDocument:
        """Return a document to download; its entry is stored together with its content."""
        endpoint = Endpoint(self.address_path, self.scope, self.name)
        ids = {**ids, self.document_key: document.id}

        def get_address() -> Address:
            self._requested += 1
            return self.session.client.get(endpoint, ids, {}, _parse_address).data

        info = RequestInfo(self.name, f"{self.address_path}, its content")
        on_stored = partial(entries.add, document.id, document.version_id)
        return PendingDocument(info, document.extension, get_address, on_stored)

    def row_of(
        self, document: Document, entry: Entry | None = None, error: str | None = None
    ) -> Row:
        """Return the row of a document, whose content is stored or not available."""
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


class _ParentReader:
    """Reads the documents of one parent, some at the same time, in the order of their list."""

    def __init__(
        self, stream: ContentStream, collector: DocumentCollector, ids: dict[str, str]
    ) -> None:
        self._stream = stream
        self._collector = collector
        self._ids = ids
        self._entries: MatterEntries = collector.manifest.read(ids[stream.parent_key])
        self._pending: deque[tuple[Document, PendingDocument]] = deque()
        self._max_bytes = stream.session.settings.documents_max_bytes
        self.first_error: SmokeballError | None = None

    def read(self, document: Document) -> Iterator[list[Row]]:
        """Begin with a document, and yield the rows that are done."""
        row = self._stream.row_of
        if entry := self._entries.find(document.id, document.version_id):
            yield [row(document, entry)]
        elif document.unavailable:
            yield [row(document, error=document.unavailable)]
        elif self._max_bytes is not None and (document.size_bytes or 0) > self._max_bytes:
            yield [row(document, error="too large")]
        else:
            yield from self._start(document)
        while len(self._pending) >= PENDING_PER_PARENT:
            yield self._finish()

    def read_rest(self) -> Iterator[list[Row]]:
        """Yield the rows of the documents that are still on their way."""
        while self._pending:
            yield self._finish()

    def _start(self, document: Document) -> Iterator[list[Row]]:
        pending = self._stream.pending(document, self._ids, self._entries)
        try:
            self._collector.start(pending)
        except UnavailableError as error:
            yield [self._stream.row_of(document, error=error.reason)]
        except SmokeballError as error:
            yield [self._failed(document, error)]
        else:
            self._pending.append((document, pending))

    def _finish(self) -> list[Row]:
        document, pending = self._pending.popleft()
        try:
            entry = self._collector.finish(pending)
        except UnavailableError as error:
            return [self._stream.row_of(document, error=error.reason)]
        except SmokeballError as error:
            return [self._failed(document, error)]
        return [self._stream.row_of(document, entry)]

    def _failed(self, document: Document, error: SmokeballError) -> Row:
        """Return the row of a document that a later run may have, unless all would fail alike."""
        if error.is_shared:
            raise error
        self.first_error = self.first_error or error
        return self._stream.row_of(document, error="download failed")


def _parse_address(body: Any) -> Address:
    if not isinstance(body, dict) or not isinstance(url := body.get("downloadUrl"), str):
        raise UnexpectedResponseError("the response has no address")
    return Address(url, as_size(body.get("sizeBytes")))


def as_size(value: Any) -> int | None:
    """Return a number of bytes, if a value of the API is one."""
    is_size = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_size else None
