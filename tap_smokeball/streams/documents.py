"""Streams of document metadata: files, folders and their histories."""

from __future__ import annotations

import sys
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_smokeball.api.response_parsers import FOLDERS, VALUE
from tap_smokeball.errors import NotFoundError
from tap_smokeball.records.columns import (
    boolean,
    date_time,
    integer,
    json_object,
    link,
    sensitive,
    string,
)
from tap_smokeball.streams.matters import MatterChildStream, MattersStream
from tap_smokeball.sync.item_stream import ItemStream
from tap_smokeball.sync.source_list import SourceList

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_smokeball.api.pages import Row


class FilesStream(MatterChildStream):
    """Metadata of files and emails of a matter, including deleted ones."""

    name = "files"
    selected_by_default = False
    path = "/matters/{matterId}/documents/files"
    primary_keys = ("id",)
    scope = "documents/read"
    sort = "asc(dateCreated)"
    event_types = ("files.updated",)
    columns = (
        string("id", "ID of the file"),
        string("href", "URL of the file's metadata in the API"),
        string("versionId", "ID of the current version of the file"),
        link("folder", "Folder of the file; null at the root"),
        link("matter", "Matter of the file"),
        *sensitive("privileged", string("name", "File name without extension")),
        string("fileExtension", "File extension, such as .pdf"),
        string("ownerId", "ID of the user or app that created or uploaded the file"),
        *sensitive(
            "privileged",
            string("to", "Recipients, for emails"),
            string("from", "Sender, for emails"),
        ),
        date_time("dateCreated", "Creation date and time"),
        date_time("dateModified", "Date and time of the last update"),
        integer("sizeBytes", "Size in bytes"),
        link("downloadInfo", "Link to the download details"),
        *sensitive("privileged", json_object("additionalData", "Additional key-value pairs")),
        boolean("isFavorite", "Whether the file is a favourite"),
        boolean("isUploaded", "Whether the file contents are uploaded"),
        boolean("isCancelled", "Whether the upload was cancelled"),
        boolean("isDuplicate", "Whether the file is a duplicate; emails only"),
        boolean("isDeleted", "Whether the file is deleted"),
    )


_HISTORY = (
    string("id", "ID of the entry"),
    string("href", "URL of the entry in the API"),
    string("type", "Type of the changed record: File or Folder"),
    string("changeType", "Type of the change"),
    date_time("timestamp", "Date and time of the change"),
    link("file", "Changed file"),
    link("folder", "Changed folder"),
    *sensitive(
        "privileged",
        string("oldName", "Name before a change of the name"),
        string("newName", "Name after a change of the name"),
    ),
    string("oldMatterId", "ID of the matter before a move or copy"),
    string("newMatterId", "ID of the matter after a move or copy"),
    string("oldFolderId", "ID of the folder before a move"),
    string("newFolderId", "ID of the folder after a move"),
    string("copySourceFileId", "ID of the file that was copied"),
    string("copySourceFolderId", "ID of the folder that was copied"),
    string("documentVersionId", "ID of the version that was replaced or restored"),
    string("userId", "ID of the user who made the change"),
)


class FileVersionsStream(ItemStream):
    """History of each file: who changed, opened, moved or sent it; one request per file."""

    name = "file_versions"
    selected_by_default = False
    path = "/matters/{matterId}/documents/files/{fileId}/history"
    primary_keys = ("fileId", "id")
    parent_stream_type = MattersStream
    parent_key = "matterId"
    scope = "documents/read"
    response_format = VALUE
    items = SourceList(FilesStream)
    item_key = "fileId"
    event_types = ("files.updated",)
    columns = (string("fileId", "ID of the file whose history it is"), *_HISTORY)


class FoldersStream(MatterChildStream):
    """Folders of a matter at every level; takes one request per folder."""

    name = "folders"
    selected_by_default = False
    path = "/matters/{matterId}/documents/folders"
    primary_keys = ("matterId", "id")
    scope = "documents/read"
    response_format = FOLDERS
    is_recursive = True
    columns = (
        string("id", "ID of the folder"),
        string("href", "URL of the folder in the API"),
        string("parentId", "ID of the parent folder; null at the root"),
        *sensitive("privileged", string("name", "Name of the folder")),
    )

    @override
    def requests_per_parent(self, rows: int) -> int:
        return 1 + rows

    @override
    def read_children(self, ids: dict[str, str], params: dict[str, Any]) -> Iterator[list[Row]]:
        return _walk(ids, partial(self.read_list, params=params))


class FolderVersionsStream(ItemStream):
    """History of each folder: who made, renamed or moved it; two requests per folder."""

    name = "folder_versions"
    selected_by_default = False
    path = "/matters/{matterId}/documents/folders/{folderId}/history"
    primary_keys = ("folderId", "id")
    parent_stream_type = MattersStream
    parent_key = "matterId"
    scope = "documents/read"
    response_format = VALUE
    items = SourceList(FoldersStream)
    item_key = "folderId"
    columns = (string("folderId", "ID of the folder whose history it is"), *_HISTORY)

    @override
    def requests_per_parent(self, rows: int) -> int:
        return 1 + 2 * rows

    @override
    def read_items(self, ids: dict[str, str]) -> Iterator[list[Row]]:
        read = partial(self.items.read, self, send=lambda request: request())
        return _walk(ids, lambda ids, subpath: read(ids, subpath=subpath))


def _walk(
    ids: dict[str, str], read_list: Callable[..., Iterable[list[Row]]]
) -> Iterator[list[Row]]:
    """Yield the folders of a matter, level by level.

    Args:
        ids: Values for the placeholders of the path of the folders at the root.
        read_list: Reads a list of folders, by the values and by what follows that path.
    """

    def folders_in(ids: dict[str, str], subpath: str) -> dict[str, Row]:
        entries = (entry for rows in read_list(ids, subpath=subpath) for entry in rows)
        return {entry["id"]: entry["folder"] for entry in entries if entry["folder"]}

    root_folders = folders_in(ids, "")
    yield list(root_folders.values())
    seen, todo = set(root_folders), deque(root_folders)
    while todo:
        try:
            listed = folders_in({**ids, "folderId": todo.popleft()}, "/{folderId}")
        except NotFoundError:  # deleted after it was listed
            continue
        # A folder moved during the walk can appear again, even inside itself.
        new = {id_: folder for id_, folder in listed.items() if id_ not in seen}
        seen.update(new)
        todo += new
        yield list(new.values())


STREAMS = (FilesStream, FileVersionsStream, FoldersStream, FolderVersionsStream)
