"""Streams of document metadata: files, their histories, and folders."""

from __future__ import annotations

import sys
from collections import deque
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
    from collections.abc import Iterator

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
    columns = (
        string("fileId", "ID of the file whose history it is"),
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
        root_folders = self._folders_in(ids, params)
        yield list(root_folders.values())
        seen, todo = set(root_folders), deque(root_folders)
        while todo:
            folder_ids = {**ids, "folderId": todo.popleft()}
            try:
                listed = self._folders_in(folder_ids, params, "/{folderId}")
            except NotFoundError:  # deleted after it was listed
                continue
            # A folder moved during the walk can appear again, even inside itself.
            new = {id_: folder for id_, folder in listed.items() if id_ not in seen}
            seen.update(new)
            todo += new
            yield list(new.values())

    def _folders_in(
        self,
        ids: dict[str, str],
        params: dict[str, Any],
        subpath: str = "",
    ) -> dict[str, Row]:
        entries = (entry for rows in self.read_list(ids, params, subpath) for entry in rows)
        return {entry["id"]: entry["folder"] for entry in entries if entry["folder"]}


STREAMS = (FilesStream, FileVersionsStream, FoldersStream)
