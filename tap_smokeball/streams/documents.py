"""Documents: what is on file for a matter; not the files themselves."""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING, Any

from tap_smokeball.api.response_parsers import FOLDERS
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
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.streams.matters import MattersStream
from tap_smokeball.sync.child_stream import ChildStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.api.pagination import Row


class FilesStream(ChildStream):
    """Files and emails of a matter, deleted ones included, without their contents."""

    name = "files"
    selected_by_default = False
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/documents/files"
    primary_keys = ("id",)
    scope = "documents/read"
    sort = "asc(dateCreated)"
    updated_at_field = "dateModified"
    columns = Columns(
        string("id", "Id of the file"),
        string("href", "Address of the file's record in the API"),
        string("versionId", "Id of the current version of the file"),
        link("folder", "Folder that the file is in; null at the root"),
        link("matter", "Matter of the file"),
        *sensitive("privileged", string("name", "Name of the file without its extension")),
        string("fileExtension", "Extension, as .pdf"),
        string("ownerId", "Id of the user, or of the app, that put the file there"),
        *sensitive(
            "privileged",
            string("to", "Recipients, if it is an email"),
            string("from", "Sender, if it is an email"),
        ),
        date_time("dateCreated", "When the file was made"),
        date_time("dateModified", "When the file last changed"),
        integer("sizeBytes", "Size in bytes"),
        link("downloadInfo", "Where the API tells how to download the file"),
        *sensitive("privileged", json_object("additionalData", "More about the file, by name")),
        boolean("isFavorite", "Whether the file is a favourite"),
        boolean("isUploaded", "Whether the contents are uploaded"),
        boolean("isCancelled", "Whether the upload was cancelled"),
        boolean("isDuplicate", "Whether it is a duplicate, for emails"),
        boolean("isDeleted", "Whether the file is deleted"),
    )


class FoldersStream(ChildStream):
    """Folders of a matter, at every depth; one request for each folder."""

    name = "folders"
    selected_by_default = False
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/documents/folders"
    primary_keys = ("matterId", "id")
    scope = "documents/read"
    response_format = FOLDERS
    recursive = True
    columns = Columns(
        string("id", "Id of the folder"),
        string("href", "Address of the folder in the API"),
        string("parentId", "Id of the folder that it is in; null at the root"),
        *sensitive("privileged", string("name", "Name of the folder")),
    )

    @override
    def requests_below(self, rows: int) -> int:
        return 1 + rows

    @override
    def read_below(self, ids: dict[str, str], params: dict[str, Any]) -> Iterator[list[Row]]:
        found = self._folders_in(ids, params)
        yield list(found.values())
        met, todo = set(found), deque(found)
        while todo:
            inside = {**ids, "folderId": todo.popleft()}
            try:
                listed = self._folders_in(inside, params, "/{folderId}")
            except NotFoundError:  # deleted since it was listed
                continue
            # A folder that is moved meanwhile can be met again, even inside of itself.
            fresh = {id_: folder for id_, folder in listed.items() if id_ not in met}
            met.update(fresh)
            todo += fresh
            yield list(fresh.values())

    def _folders_in(
        self,
        ids: dict[str, str],
        params: dict[str, Any],
        below: str = "",
    ) -> dict[str, Row]:
        entries = (entry for rows in self.open(ids, params, below) for entry in rows)
        return {entry["id"]: entry["folder"] for entry in entries if entry["folder"]}


STREAMS = (FilesStream, FoldersStream)
