"""The manifest: which content each version of a file has, one small file for each version."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.documents.storage import DocumentStorage

FOLDER = "manifest"

_SAFE_NAME = re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,100}")


class Entry(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The content of one version of a document.

    Attributes:
        sha256: Checksum of the content.
        size_bytes: Its size.
        path: Its path in the storage.
        media_type: The media type that its first bytes show.
        declared_media_type: The media type that the download declared.
        downloaded_at: When it was downloaded (RFC 3339).
        earlier_versions: The earlier versions that the history of the document named when this
            version was the current one; None if the history was not read.
    """

    sha256: str
    size_bytes: int
    path: str
    media_type: str | None
    declared_media_type: str | None
    downloaded_at: str
    earlier_versions: tuple[str, ...] | None = None


class Manifest:
    """The entries of one stream.

    Args:
        storage: Where they are.
        stream: Name of the stream.
    """

    def __init__(self, storage: DocumentStorage, stream: str) -> None:
        self._storage = storage
        self._folder = f"{FOLDER}/{stream}"

    def read(self, matter_id: str) -> MatterEntries:
        """Return the entries of a matter.

        Raises:
            DocumentStorageError: They cannot be read.
        """
        folder = f"{self._folder}/{_file_name(matter_id)}"
        return MatterEntries(self._storage, folder, dict(_decoded(self._storage, folder)))


class MatterEntries:
    """The entries of one matter."""

    def __init__(self, storage: DocumentStorage, folder: str, entries: dict[str, Entry]) -> None:
        self._storage = storage
        self._folder = folder
        self._entries = entries

    def find(self, document_id: str, version_id: str) -> Entry | None:
        """Return the entry of a version, if its content is stored."""
        return self._entries.get(self._path(document_id, version_id))

    def add(self, document_id: str, version_id: str, entry: Entry) -> None:
        """Store an entry, whose content is stored.

        Raises:
            DocumentStorageError: It cannot be written.
        """
        path = self._path(document_id, version_id)
        self._storage.write(path, msgspec.json.encode(entry))
        self._entries[path] = entry

    def _path(self, document_id: str, version_id: str) -> str:
        return f"{self._folder}/{_file_name(document_id)}/{_file_name(version_id)}.json"


def unreferenced_contents(storage: DocumentStorage) -> dict[str, int]:
    """Return the sizes of the contents that no entry refers to, by path.

    Raises:
        DocumentStorageError: The storage cannot be read.
    """
    contents = storage.contents()  # before the entries: a run that ends meanwhile adds them last
    referenced = {entry.path for _, entry in _decoded(storage, FOLDER)}
    return {path: size for path, size in sorted(contents.items()) if path not in referenced}


def _decoded(storage: DocumentStorage, folder: str) -> Iterator[tuple[str, Entry]]:
    for path, content in storage.read_all(folder):
        try:
            yield path, msgspec.json.decode(content, type=Entry)
        except msgspec.DecodeError:  # an entry that a person damaged: downloaded again
            continue


def _file_name(id_: str) -> str:
    """Return an id as a file name; ids that are none are hashed."""
    if _SAFE_NAME.fullmatch(id_):
        return id_
    return f"sha256-{hashlib.sha256(id_.encode()).hexdigest()}"
