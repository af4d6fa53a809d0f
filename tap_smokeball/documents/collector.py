"""Brings contents into the storage: a few at a time, each once."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.transport import Transport
from tap_smokeball.config.validation import is_loopback
from tap_smokeball.documents.download import AddressExpiredError, Download
from tap_smokeball.documents.host_check import check_address
from tap_smokeball.documents.manifest import Entry, Manifest
from tap_smokeball.documents.media_types import detect
from tap_smokeball.documents.storage import DocumentStorage
from tap_smokeball.documents.unavailable import UnavailableError
from tap_smokeball.errors import AccessDeniedError, ApiConnectionError, NotFoundError, RequestInfo

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from tap_smokeball.config.settings import Settings
    from tap_smokeball.documents.download import Address
    from tap_smokeball.documents.storage import TemporaryContent

DOWNLOADS_AT_ONCE = 4
MAX_ADDRESSES = 3
"""Addresses that are requested for one document, as each may expire before it is used."""

_POLL_SECONDS = 0.5


@dataclass
class PendingDocument:
    """A document on its way into the storage.

    Attributes:
        request: Names it in messages.
        extension: The extension of its name.
        get_address: Requests a time-limited address; called in the caller's thread.
        on_stored: Called in the thread of the download when the content is stored.
    """

    request: RequestInfo
    extension: str
    get_address: Callable[[], Address]
    on_stored: Callable[[Entry], None]
    future: Future[Entry] = field(default_factory=Future)
    addresses: int = 0
    content: TemporaryContent | None = None
    download: Download | None = None


class DocumentCollector:
    """Downloads documents in threads of its own, and stores them.

    Args:
        settings: Where to store, the size limit, timeouts and retries.
        stream: Name of the stream whose manifest it keeps.
        run_ends_at: The end of the run in seconds of the monotonic clock.
        logger: Takes warnings.

    Raises:
        DocumentStorageError: The storage cannot be used.
    """

    def __init__(
        self, settings: Settings, stream: str, run_ends_at: float, logger: logging.Logger
    ) -> None:
        self._settings = settings
        self._storage = DocumentStorage(settings.documents_url or "", settings.documents_options)
        self._storage.prepare()
        self._allows_loopback = is_loopback(urlsplit(settings.api_base).hostname or "")
        self.manifest = Manifest(self._storage, stream)
        # Of its own: neither the rate limit nor the counters of the API concern it.
        self._transport = Transport(replace(settings, rate_limit_store=None), logger)
        self._transport.run_ends_at = run_ends_at
        self._canceled = threading.Event()
        self._slots = threading.BoundedSemaphore(DOWNLOADS_AT_ONCE)
        self._tasks: queue.SimpleQueue[tuple[PendingDocument, Address] | None] = queue.SimpleQueue()
        for number in range(1, DOWNLOADS_AT_ONCE + 1):
            name = f"smokeball-download-{number}"
            threading.Thread(target=self._serve, name=name, daemon=True).start()

    def start(self, document: PendingDocument) -> None:
        """Request an address as soon as a thread is free, and let the thread download.

        Not earlier: an address must not expire while it waits.

        Raises:
            UnavailableError: The API gives no address, or one that must not be used.
            SmokeballError: The request failed.
        """
        while not self._slots.acquire(timeout=_POLL_SECONDS):
            self._raise_if_canceled()
        try:
            self._raise_if_canceled()
            document.addresses += 1
            address = document.get_address()
            check_address(address.url, allows_loopback=self._allows_loopback)
        except AccessDeniedError:
            self._give_up(document)
            raise UnavailableError("access denied") from None
        except NotFoundError:
            self._give_up(document)
            raise UnavailableError("not found") from None
        except BaseException:
            self._give_up(document)
            raise
        self._tasks.put((document, address))

    def finish(self, document: PendingDocument) -> Entry:
        """Wait for a document, and return the entry of its content.

        Raises:
            UnavailableError: The document cannot be had.
            SmokeballError: The download or the storage failed.
        """
        while True:
            try:
                return document.future.result()
            except AddressExpiredError:
                if document.addresses >= MAX_ADDRESSES:
                    self._close(document)
                    raise UnavailableError("access denied by the host of the document") from None
                document.future = Future()
                self.start(document)

    def close(self) -> None:
        """Abandon the downloads, and let the threads end."""
        self._canceled.set()
        self._transport.close()
        for _ in range(DOWNLOADS_AT_ONCE):
            self._tasks.put(None)

    def _give_up(self, document: PendingDocument) -> None:
        self._slots.release()
        self._close(document)

    def _raise_if_canceled(self) -> None:
        if self._canceled.is_set():
            raise ApiConnectionError("download canceled, the run is over", is_shared=True)

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            document, address = task
            try:
                entry = self._store(document, address)
            except AddressExpiredError as error:  # what was received is kept
                self._slots.release()
                document.future.set_exception(error)
            except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                self._give_up(document)
                document.future.set_exception(error)
            else:
                self._give_up(document)
                document.future.set_result(entry)
            del task, document, address

    def _store(self, document: PendingDocument, address: Address) -> Entry:
        settings = self._settings
        content = document.content = document.content or self._storage.new_temporary()
        download = document.download = document.download or Download(
            content.file,
            document.request,
            max_bytes=settings.documents_max_bytes,
            seconds=max(settings.max_request_seconds, settings.timeout_seconds),
            canceled=self._canceled,
        )
        download.run(self._transport, address)
        path = self._storage.keep(content, download.sha256, download.size)
        entry = Entry(
            sha256=download.sha256,
            size_bytes=download.size,
            path=path,
            media_type=detect(download.sample, document.extension),
            declared_media_type=download.declared_media_type,
            downloaded_at=dotnet_ticks.to_column(dotnet_ticks.now()),
        )
        document.on_stored(entry)
        return entry

    @staticmethod
    def _close(document: PendingDocument) -> None:
        if document.content is not None:
            document.content.close()
            document.content = document.download = None
