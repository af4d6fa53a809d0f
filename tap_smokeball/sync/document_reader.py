"""Reads the documents of one parent: those in the storage, and those that have to get there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import msgspec

from tap_smokeball.documents.unavailable import UnavailableError
from tap_smokeball.errors import NotFoundError, SmokeballError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_smokeball.api.pages import Row
    from tap_smokeball.documents.collector import DocumentCollector, PendingDocument
    from tap_smokeball.documents.manifest import Entry, MatterEntries

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
        is_earlier: Whether it is an earlier version, which only the history names.
    """

    id: str
    version_id: str
    name: str | None
    extension: str
    size_bytes: int | None = None
    unavailable: str = ""
    is_earlier: bool = False

    def at(self, version_id: str) -> Document:
        """Return an earlier version of the document."""
        return replace(self, version_id=version_id, size_bytes=None, is_earlier=True)


class DocumentSource(Protocol):
    """What the reader asks of its stream."""

    @property
    def reads_earlier_versions(self) -> bool:
        """Whether the earlier versions of documents are stored as well."""

    def unavailable(self, document: Document) -> str:
        """Return why no content is requested for a document, or "" if it is."""

    def read_history(self, document: Document, ids: dict[str, str]) -> tuple[str, ...]:
        """Return the IDs of the earlier versions that the history of a document names."""

    def pending(
        self, document: Document, ids: dict[str, str], on_stored: Callable[[Entry], None]
    ) -> PendingDocument:
        """Return a document to download."""

    def row_of(
        self, document: Document, entry: Entry | None = None, error: str | None = None
    ) -> Row:
        """Return the row of a document, whose content is stored or not available."""

    def count_requests(self) -> None:
        """Count a request besides those of the lists."""


class DocumentReader:
    """Reads the documents of one parent, some at the same time, in the order of their list.

    Args:
        stream: The stream.
        ids: Values for the placeholders of its paths.
        entries: What the manifest has of the parent.
        collector: Downloads what is missing; None to count the requests alone.

    Attributes:
        first_error: The first error that a later run may not have.
    """

    def __init__(
        self,
        stream: DocumentSource,
        ids: dict[str, str],
        entries: MatterEntries,
        collector: DocumentCollector | None,
    ) -> None:
        self._stream = stream
        self._ids = ids
        self._entries = entries
        self._collector = collector
        self._pending: deque[tuple[Document, PendingDocument]] = deque()
        self.first_error: SmokeballError | None = None

    def read(self, document: Document) -> Iterator[list[Row]]:
        """Begin with a document, and yield the rows that are done."""
        entry = self._entries.find(document.id, document.version_id)
        if entry is None and (reason := self._stream.unavailable(document)):
            yield [self._stream.row_of(document, error=reason)]
            return
        versions = self._earlier_versions(document, entry)
        yield from self._read_version(document, entry, versions)
        for version_id in versions or ():
            stored = self._entries.find(document.id, version_id)
            yield from self._read_version(document.at(version_id), stored)

    def read_rest(self) -> Iterator[list[Row]]:
        """Yield the rows of the documents that are still on their way."""
        while self._pending:
            yield self._finish()

    def _earlier_versions(self, document: Document, entry: Entry | None) -> tuple[str, ...] | None:
        """Return the IDs of the earlier versions; None if nobody asks for them, or it failed.

        A file gets a new version with each change of its content. So its history is read once for
        each version, and the entry of the version says what it named.
        """
        if not self._stream.reads_earlier_versions:
            return None
        if entry is not None and entry.earlier_versions is not None:
            return entry.earlier_versions
        if self._collector is None:
            self._stream.count_requests()
            return None
        try:
            versions = self._stream.read_history(document, self._ids)
        except NotFoundError:  # deleted after it was listed
            return ()
        except SmokeballError as error:
            self._note(error)
            return None
        if entry is not None:
            known = msgspec.structs.replace(entry, earlier_versions=versions)
            self._entries.add(document.id, document.version_id, known)
        return versions

    def _read_version(
        self, document: Document, entry: Entry | None, versions: tuple[str, ...] | None = None
    ) -> Iterator[list[Row]]:
        if entry is not None:
            yield [self._stream.row_of(document, entry)]
        elif self._collector is None:
            self._stream.count_requests()
            yield [self._stream.row_of(document, error="not downloaded")]
        else:
            yield from self._start(document, versions, self._collector)
        while len(self._pending) >= PENDING_PER_PARENT:
            yield self._finish()

    def _start(
        self, document: Document, versions: tuple[str, ...] | None, collector: DocumentCollector
    ) -> Iterator[list[Row]]:
        def store_entry(entry: Entry) -> None:
            known = msgspec.structs.replace(entry, earlier_versions=versions)
            self._entries.add(document.id, document.version_id, known)

        pending = self._stream.pending(document, self._ids, store_entry)
        try:
            collector.start(pending)
        except UnavailableError as error:
            yield [self._stream.row_of(document, error=error.reason)]
        except SmokeballError as error:
            yield [self._failed(document, error)]
        else:
            self._pending.append((document, pending))

    def _finish(self) -> list[Row]:
        assert self._collector is not None  # noqa: S101 - nothing is pending without it
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
        self._note(error)
        return self._stream.row_of(document, error="download failed")

    def _note(self, error: SmokeballError) -> None:
        if error.is_shared:
            raise error
        self.first_error = self.first_error or error
