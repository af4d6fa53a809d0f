"""The storage of contents: a folder, or a bucket of any object storage that fsspec knows.

Contents are stored under their SHA-256 checksum. They are written under another name and renamed,
or, where there is no rename, uploaded as a whole: a content under its checksum is complete.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from tap_smokeball.config.private_files import OWNER_ONLY
from tap_smokeball.errors import DocumentStorageError, SmokeballError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OWNER_ONLY_FOLDER = 0o700
PIECE_BYTES = 1 << 20
UPLOAD_PART_BYTES = 8 << 20
"""Size of the parts of an upload: at 10,000 parts, S3 takes files of 80 GB."""

FORMAT = b"tap-smokeball documents 1\n"
"""Content of a file that says how the place is laid out."""

READ_AT_ONCE = 500
"""Small files that are read at once."""

_CONTENTS = "sha256"
_TEMPORARY = "tmp"
_FORMAT_FILE = "format.txt"
_ADVICE = "Check documents_url and documents_options, and the rights to read and write there"


class DocumentStorage:
    """A place for contents and for the manifest.

    All paths are relative to the place.

    Args:
        url: URL of the place, as fsspec takes it.
        options: Options of fsspec's file system, such as keys.

    Raises:
        DocumentStorageError: The place cannot be used.
    """

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        import fsspec  # type: ignore[import-untyped] # noqa: PLC0415 - only these streams need it
        from fsspec.implementations.local import (  # type: ignore[import-untyped] # noqa: PLC0415
            LocalFileSystem,
        )

        # Listings change while other runs write to the same place.
        settings = {"use_listings_cache": False, "skip_instance_cache": True, **options}
        try:
            self._fs, root = fsspec.core.url_to_fs(url, **settings)
        except ImportError as error:  # fsspec names the package that its file system needs
            raise DocumentStorageError(
                f"documents_url: {error}".rstrip("."), "Install that package beside the tap",
                is_shared=True,
            ) from None  # fmt: skip
        except Exception as error:  # noqa: BLE001 - each file system has errors of its own
            raise _unusable(error) from None
        self._root = str(root).rstrip("/")
        self._folder = Path(self._root) if isinstance(self._fs, LocalFileSystem) else None

    def prepare(self) -> None:
        """Remove what killed runs left, and see that the place can be written.

        Raises:
            DocumentStorageError: The place cannot be used.
        """
        self._remove_temporary_files()
        with _storage_errors():
            is_new = self._size(_FORMAT_FILE) is None
        if is_new:
            self.write(_FORMAT_FILE, FORMAT)

    def new_temporary(self) -> TemporaryContent:
        """Return an empty file for a content, which is gone once it is closed.

        Raises:
            DocumentStorageError: The file cannot be created.
        """
        with _storage_errors():
            if self._folder is None:
                return TemporaryContent(tempfile.TemporaryFile(), None)
            while True:
                path = self._new_folder(_TEMPORARY) / uuid.uuid4().hex
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
                file = os.fdopen(handle, "w+b")
                # Another run may take it for a leftover, and remove it, before it is locked.
                if _lock(file) and os.fstat(handle).st_nlink:
                    return TemporaryContent(file, path)
                file.close()
                path.unlink(missing_ok=True)

    def keep(self, content: TemporaryContent, sha256: str, size: int) -> str:
        """Store a content under its checksum, unless it is stored, and return its path.

        Raises:
            DocumentStorageError: The content cannot be stored.
        """
        path = f"{_CONTENTS}/{sha256[:2]}/{sha256[2:4]}/{sha256}"
        with _storage_errors():
            if self._size(path) == size:
                return path
            content.file.flush()
            if content.path is not None:
                os.fsync(content.file.fileno())
                self._rename(content.path, path)
                return path
            content.file.seek(0)
            self._upload(content.file, path)
            if self._size(path) != size:
                raise OSError("incomplete upload")
        return path

    def write(self, path: str, text: bytes) -> None:
        """Write a small file as a whole.

        Raises:
            DocumentStorageError: The file cannot be written.
        """
        if self._folder is None:
            with _storage_errors():
                self._fs.pipe_file(self._at(path), text)
            return
        content = self.new_temporary()
        try:
            with _storage_errors():
                content.file.write(text)
                content.file.flush()
                self._rename(cast("Path", content.path), path)
        finally:
            content.close()

    def read_all(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """Yield the path and the content of all small files in a folder.

        Raises:
            DocumentStorageError: The folder cannot be read.
        """
        with _storage_errors():
            found = list(self._find(folder))
        for start in range(0, len(found), READ_AT_ONCE):
            names = [self._at(path) for path in found[start : start + READ_AT_ONCE]]
            with _storage_errors():
                contents = self._fs.cat(names, on_error="return")
                for content in contents.values():
                    if isinstance(content, Exception) and not _is_missing(content):
                        raise content
            for name, content in contents.items():
                if not isinstance(content, Exception):
                    yield self._relative(name), bytes(content)

    def contents(self) -> dict[str, int]:
        """Return the sizes of all stored contents, by path.

        Raises:
            DocumentStorageError: The place cannot be read.
        """
        with _storage_errors():
            return self._find(_CONTENTS)

    def _find(self, folder: str) -> dict[str, int]:
        try:
            found = self._fs.find(self._at(folder), detail=True)
        except FileNotFoundError:
            return {}
        return {self._relative(name): int(info["size"] or 0) for name, info in found.items()}

    def _size(self, path: str) -> int | None:
        try:
            return int(self._fs.info(self._at(path))["size"])
        except FileNotFoundError:
            return None

    def _upload(self, file: IO[bytes], path: str) -> None:
        upload = self._fs.open(self._at(path), "wb", block_size=UPLOAD_PART_BYTES)
        try:
            shutil.copyfileobj(file, upload, PIECE_BYTES)
        except BaseException:
            # To close it would complete the upload with what there is.
            with suppress(Exception):
                upload.discard()
            upload.closed = True
            raise
        upload.close()

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _relative(self, name: str) -> str:
        return name[len(self._root) + 1 :]

    def _rename(self, source: Path, path: str) -> None:
        source.replace(self._new_folder(str(Path(path).parent)) / Path(path).name)

    def _new_folder(self, path: str) -> Path:
        """Return a folder of the place, with folders that only the owner can read."""
        assert self._folder is not None  # noqa: S101 - callers have checked it
        folder = self._folder / path
        if not folder.is_dir():
            for each in [*reversed(folder.parents), folder]:
                if not each.is_dir():
                    each.mkdir(OWNER_ONLY_FOLDER, exist_ok=True)
        return folder

    def _remove_temporary_files(self) -> None:
        """Remove what killed runs left; a file that a run has open is locked."""
        if self._folder is None or sys.platform == "win32":
            return
        with _storage_errors():
            for path in (self._folder / _TEMPORARY).glob("*"):
                with suppress(FileNotFoundError), path.open("rb") as file:
                    if _lock(file):
                        path.unlink(missing_ok=True)


class TemporaryContent(NamedTuple):
    """An open file for a content.

    Attributes:
        file: The file.
        path: Its path; None if it has none, as it is to be uploaded.
    """

    file: IO[bytes]
    path: Path | None

    def close(self) -> None:
        """Close the file, and remove it unless it was stored."""
        self.file.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed; return whether no other process has locked it."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except (SmokeballError, GeneratorExit, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001 - each file system has errors of its own
        raise _unusable(error) from None


def _is_missing(error: Exception) -> bool:
    return isinstance(error, FileNotFoundError)  # removed since it was listed


def _unusable(error: Exception) -> DocumentStorageError:
    reason = type(error).__name__  # its text may name the place, or a key
    if isinstance(error, OSError) and error.strerror and error.errno:
        reason = os.strerror(error.errno)
    return DocumentStorageError(
        f"documents_url: the storage cannot be used ({reason})", _ADVICE, is_shared=True
    )
