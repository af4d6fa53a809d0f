"""One download: in pieces, resumed after it breaks, and checked.

It goes to another host than the API: without the API key, without the access token, and outside of
the rate limit. Whoever has the address can read the document, so that no message names it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import re
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import IO, TYPE_CHECKING

from tap_smokeball.api import error_policy
from tap_smokeball.api.error_policy import Action
from tap_smokeball.api.retries import RetryableError, retry_after_seconds
from tap_smokeball.api.unpacking import GZIP_OR_ZLIB, unpack
from tap_smokeball.documents.media_types import SAMPLE_BYTES
from tap_smokeball.documents.unavailable import UnavailableError
from tap_smokeball.errors import ApiConnectionError, DocumentStorageError

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from tap_smokeball.api.transport import Transport
    from tap_smokeball.errors import RequestInfo

PIECE_BYTES = 1 << 18
SLOWEST_BYTES_PER_SECOND = 256_000
"""A download may take ``max_request_seconds``, and the time that its size takes at this rate."""

_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
"""Values of ``Content-Encoding`` that are understood, besides ``identity``."""

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_OK, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416
_EXPIRED = {400, 401, 403}
"""Statuses of a time-limited address that has expired: Google, others, and S3 and Azure."""
_GONE = {404, 410}


class AddressExpiredError(Exception):
    """The address is not valid any more; the download continues at a new one."""


@dataclass(frozen=True)
class Address:
    """A time-limited address.

    Attributes:
        url: The address, a secret.
        size_bytes: Size of the document, if the API says so.
        version_id: ID of the version that it leads to, if the API says so.
    """

    url: str
    size_bytes: int | None = None
    version_id: str | None = None

    @override
    def __repr__(self) -> str:
        return "Address(…)"


class Download:
    """One download into a file.

    Args:
        file: The file; empty.
        request: Names the download in messages.
        max_bytes: Most bytes that the document may have; None for no limit.
        seconds: How long an attempt may take, besides the time for its size.
        canceled: Set when the run is over.

    Attributes:
        size: Bytes received so far.
        sample: The first bytes.
        declared_media_type: The media type that the host declares.
    """

    def __init__(
        self,
        file: IO[bytes],
        request: RequestInfo,
        *,
        max_bytes: int | None,
        seconds: float,
        canceled: threading.Event,
    ) -> None:
        self._file = file
        self._request = request
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._canceled = canceled
        self.declared_media_type: str | None = None
        self._restart()

    def _restart(self) -> None:
        self.size = 0
        self.sample = b""
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._validator: str | None = None
        self._checksums: list[tuple[str, str]] = []
        self._is_doubtful = self._is_packed = False
        self._file.seek(0)
        self._file.truncate()

    @property
    def sha256(self) -> str:
        """The checksum of the bytes received so far."""
        return self._sha256.hexdigest()

    def run(self, transport: Transport, address: Address) -> None:
        """Download the document, or the rest of it.

        Raises:
            AddressExpiredError: A new address is needed.
            UnavailableError: The document cannot be had.
            ApiConnectionError: The host does not send it.
            DocumentStorageError: The file cannot be written.
            TimeLimitError: The run is over.
        """
        if address.size_bytes is not None:
            self._check_size(address.size_bytes)
        while True:
            before = self.size
            try:
                transport.with_retries(lambda: self._attempt(transport, address), self._request)
            except ApiConnectionError as error:
                # As long as there is progress, a large document may break any number of times.
                if error.is_shared or self._canceled.is_set() or self.size <= before:
                    raise
            else:
                return

    def _attempt(self, transport: Transport, address: Address) -> None:
        headers = {"Accept-Encoding": "identity"}
        if self._is_packed:  # what was received says nothing about where the packed body broke
            self._restart()
        if self.size:
            headers["Range"] = f"bytes={self.size}-"
            if self._validator:
                headers["If-Range"] = self._validator
        expected = address.size_bytes or self._max_bytes or 0
        seconds = self._seconds + max(0, expected - self.size) / SLOWEST_BYTES_PER_SECOND
        with (
            _addresses_unlogged(),
            transport.open(address.url, headers, seconds=seconds) as response,
        ):
            total = self._start(response, address)
            if total is not None and address.size_bytes not in {None, total}:
                raise UnavailableError("size differs")
            self._receive(response, total)
        if total is not None and self.size != total:
            raise RetryableError("an incomplete response", error_policy.INVALID_BODY)
        if address.size_bytes is not None and self.size != address.size_bytes:
            raise UnavailableError("size differs")
        self._check_checksums()

    def _start(self, response: requests.Response, address: Address) -> int | None:
        """Prepare for the body of a response, and return the size of the whole document."""
        self._check_status(response)
        total: int | None = None
        if response.status_code == _PARTIAL:
            found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if not found or int(found[1]) != self.size:
                self._restart()
                raise RetryableError("another range than requested", error_policy.INVALID_BODY)
            total = None if found[2] == "*" else int(found[2])
        else:
            if self.size:
                self._restart()
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isascii() and length.isdigit() else None
            self._checksums = list(_declared_checksums(response))
            is_whole = total is not None and total == address.size_bytes
            if self._find_encoding(response, is_whole=is_whole):
                self._checksums, total = [], None  # both are of the packed body
        if total is not None:
            self._check_size(total)
        etag = response.headers.get("ETag", "")
        self._validator = None if etag.startswith("W/") else etag or None
        self.declared_media_type = response.headers.get("Content-Type") or self.declared_media_type
        return total

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status == _NOT_SATISFIABLE and self.size:
            self._restart()
            raise RetryableError("the range cannot be sent", error_policy.INVALID_BODY)
        if status in _EXPIRED:
            raise AddressExpiredError
        if status in _GONE:
            raise UnavailableError("not found")
        policy = error_policy.for_status(status)
        if policy.action in {Action.WAIT, Action.RETRY}:
            wait = retry_after_seconds(response.headers)
            raise RetryableError(policy.reason.format(status=status), policy, wait)
        if status not in {_OK, _PARTIAL}:
            raise UnavailableError(f"unexpected status {status}")

    def _find_encoding(self, response: requests.Response, *, is_whole: bool) -> bool:
        """Return whether the body has to be unpacked.

        Some hosts call a document packed that is a packed file. Then the body has its size.
        """
        encoding = response.headers.get("Content-Encoding", "").strip().lower() or "identity"
        if encoding == "identity" or is_whole:
            return False
        if encoding not in _PACKED:
            raise UnavailableError("unexpected encoding")
        self._is_packed = True
        return True

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        read = partial(response.raw.read, PIECE_BYTES, decode_content=False)
        pieces = iter(read, b"")
        if not self._is_packed:
            yield from pieces
            return
        if not (first := next(pieces, b"")):
            raise RetryableError("the packed body is incomplete", error_policy.INVALID_BODY)
        try:
            yield from unpack(chain([first], pieces), PIECE_BYTES, GZIP_OR_ZLIB)
        except ValueError as error:
            raise RetryableError(str(error), error_policy.INVALID_BODY) from None

    def _receive(self, response: requests.Response, total: int | None) -> None:
        for piece in self._pieces(response):
            if self._canceled.is_set():
                raise ApiConnectionError("download canceled, the run is over", is_shared=True)
            self._check_size(self.size + len(piece))
            try:
                self._file.write(piece)
            except OSError as error:
                raise DocumentStorageError(
                    f"a download cannot be written ({error.strerror})",
                    "Free disk space where temporary files are",
                    is_shared=True,
                ) from None
            if len(self.sample) < SAMPLE_BYTES:
                self.sample += piece[: SAMPLE_BYTES - len(self.sample)]
            self._sha256.update(piece)
            self._md5.update(piece)
            self.size += len(piece)
            if total is not None and self.size >= total:
                return

    def _check_size(self, size: int) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise UnavailableError("too large")

    def _check_checksums(self) -> None:
        actual = {"md5": self._md5, "sha256": self._sha256}
        if all(actual[kind].hexdigest() == expected for kind, expected in self._checksums):
            return
        if self._is_doubtful:
            raise UnavailableError("checksum differs")
        self._restart()
        self._is_doubtful = True
        raise RetryableError("the checksum differs", error_policy.INVALID_BODY)


def _declared_checksums(response: requests.Response) -> Iterator[tuple[str, str]]:
    """Yield the checksums of the whole body that the host declares, as hexadecimal text."""
    headers = response.headers
    found: list[tuple[str, str | None]] = [
        ("md5", headers.get("Content-MD5")),
        ("md5", headers.get("x-ms-blob-content-md5")),
        ("sha256", headers.get("x-amz-checksum-sha256")),
    ]
    for part in headers.get("x-goog-hash", "").split(","):
        name, _, text = part.strip().partition("=")
        if name == "md5":
            found.append(("md5", text))
    for kind, value in found:
        try:
            digest = base64.b64decode(value or "", validate=True)
        except (binascii.Error, ValueError):  # of a multipart upload, for one
            continue
        if len(digest) == {"md5": 16, "sha256": 32}[kind]:
            yield kind, digest.hex()


_unlogged = threading.local()


def _is_loggable(_: logging.LogRecord) -> bool:
    return not getattr(_unlogged, "is_on", False)


logging.getLogger("urllib3.connectionpool").addFilter(_is_loggable)


@contextmanager
def _addresses_unlogged() -> Iterator[None]:
    """Keep urllib3 from logging the addresses of this thread, at level DEBUG."""
    _unlogged.is_on = True
    try:
        yield
    finally:
        _unlogged.is_on = False
