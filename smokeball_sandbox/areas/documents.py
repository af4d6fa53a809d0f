"""Files and folders of a matter: metadata only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import (
    leave_unmarked,
    matter_link,
    parent_id,
    property_setter,
    random_count,
    ticks_during,
    ticks_soon_after,
)
from smokeball_sandbox.areas.matters import matter_plan
from smokeball_sandbox.clock import iso
from smokeball_sandbox.resources import CreateRequest, Data, Resource, Row
from smokeball_sandbox.search import search_filter
from smokeball_sandbox.value_helpers import guid, link, record_header, sparse

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.areas.matters import MatterPlan
    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.resources import RowReader

_MEAN_FILES = 4.0
_SHARE_IN_FOLDERS = 0.7
_SERVICE_OWNED = 0.1
_EXTENSIONS = (".docx", ".docx", ".pdf", ".pdf", ".eml", ".msg", ".xlsx")
_EMAILS = {".eml", ".msg"}


def folder_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the folders of a matter row."""
    plan = matter_plan(parent)
    return [] if plan is None else folders_of(firm, plan)


def folders_of(firm: Firm, plan: MatterPlan) -> list[Row]:
    """Generate the folders of a matter; top-level folders have no parent."""
    rng = firm.rng("folders", plan.id)
    rows: list[Row] = []
    for name in rng.sample(sample_text.FOLDERS, rng.choice((0, 0, 1, 2, 4))):
        above = rng.choice(rows).id if rows and rng.random() < 0.4 else None  # noqa: PLR2004
        rows.append(_folder(firm, guid(rng), plan.id, name, above))
        rows[-1].updated = plan.opened
    return rows


def create_folder(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a top-level folder."""
    row = _folder(firm, guid(rng), parent_id(request), "New folder", None)
    row.updated = request.now
    return row


def _folder(firm: Firm, id_: str, matter_id: str, name: str, above: str | None) -> Row:
    href = f"{firm.url}/matters/{matter_id}/documents/folders/{id_}"
    data: Data = {**record_header(id_, href, "Folders"), "name": name}
    if above is not None:
        data["parentId"] = above
    return Row(data, 0, matter_id)


def folder_tree(
    store: RowReader, matter_id: str, folder_id: str | None
) -> tuple[Data, Data] | None:
    """Return the direct contents of a folder; the top level has no id."""
    folders = [row.data for row in store.rows(store.resources["folders"], matter_id)]
    files = [row.data for row in store.rows(store.resources["files"], matter_id)]
    href = f"{store.firm.url}/matters/{matter_id}/documents/folders"
    own: Data = {}
    element: Data = {"href": href}
    if folder_id is not None:
        here = next((each for each in folders if each["id"] == folder_id), None)
        if here is None:
            return None
        own = {"name": here["name"]}
        if "parentId" in here:
            own["parentId"] = here["parentId"]
        element = {"id": folder_id, "href": f"{href}/{folder_id}"}
    element["folders"] = [each for each in folders if each.get("parentId") == folder_id]
    element["files"] = [each for each in files if each.get("folder", {}).get("id") == folder_id]
    return own, element


def file_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the files of a matter row."""
    plan = matter_plan(parent)
    return [] if plan is None else files_of(firm, plan)


def files_of(firm: Firm, plan: MatterPlan) -> list[Row]:
    """Generate the files of a matter, most of them in its folders."""
    rng = firm.rng("files", plan.id)
    folders = [row.id for row in folders_of(firm, plan)]
    rows = []
    for _ in range(random_count(rng, _MEAN_FILES)):
        ticks = ticks_during(rng, plan)
        folder = rng.choice(folders) if folders and rng.random() < _SHARE_IN_FOLDERS else None
        row = _file(firm, rng, plan.id, ticks, folder)
        if rng.random() < 0.85:  # noqa: PLR2004
            row.updated = ticks_soon_after(firm, rng, ticks)
            row.data["dateModified"] = iso(row.updated, fraction=True)
        rows.append(row)
    return rows


def create_file(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a file at the top level."""
    return _file(firm, rng, parent_id(request), request.now, None)


def mark_file_updated(row: Row, rng: Random) -> None:
    """Set the updated-at field and renew the version."""
    row.data |= {"versionId": guid(rng), "dateModified": iso(row.updated, fraction=True)}


def _file(firm: Firm, rng: Random, matter_id: str, ticks: int, folder: str | None) -> Row:
    id_ = guid(rng)
    base = f"{firm.url}/matters/{matter_id}/documents"
    extension = rng.choice(_EXTENSIONS)
    owner = rng.choice(firm.staff).user_id
    fate = rng.random()
    data: Data = {
        **record_header(id_, f"{base}/files/{id_}", "Files"),
        "versionId": f"{guid(rng)}.{rng.randrange(1, 9)}",
        "matter": matter_link(firm, rng, matter_id),
        "name": rng.choice(sample_text.FILES),
        "fileExtension": extension,
        "ownerId": f"S2S_{owner}" if rng.random() < _SERVICE_OWNED else owner,
        "dateCreated": iso(ticks),
        "sizeBytes": rng.randrange(900, 20_000_000) // 200 + 1,  # contents are served, too
        "isFavorite": rng.random() < 0.1,  # noqa: PLR2004
        "isUploaded": fate > 0.04,  # noqa: PLR2004
        "isCancelled": fate < 0.02,  # noqa: PLR2004
        "isDeleted": rng.random() < 0.05,  # noqa: PLR2004
        "isDuplicate": extension in _EMAILS and rng.random() < 0.1,  # noqa: PLR2004
    }
    if folder is not None:
        data["folder"] = link(rng, folder, f"{base}/folders/{folder}", "Folders")
    if data["isUploaded"]:
        href = f"{base}/files/{id_}/download"
        data["downloadInfo"] = link(rng, id_, href, "DownloadInfo")
    if extension in _EMAILS:
        data |= {"to": "recipient@example.org", "from": "sender@example.com"}
    more = {"additionalData": {"source": "sandbox", "pages": rng.randrange(40)}}
    return Row(data | sparse(rng, more, 0.3), ticks, matter_id)


FILES = Resource(
    name="files",
    path="/matters/{matterId}/documents/files",
    scope="documents/read",
    parent="matters",
    generate=file_rows,
    create=create_file,
    mark_updated=mark_file_updated,
    mark_deleted=property_setter("isDeleted"),
    id_parameter="fileId",
    sort={"dateCreated": lambda row: row.data["dateCreated"]},
    default_order=lambda row: row.data["dateCreated"],
    filters=(
        search_filter(
            {
                "query": lambda data: [data["name"]],
                "fileExtension": lambda data: [data["fileExtension"]],
            }
        ),
    ),
)
FOLDERS = Resource(
    name="folders",
    path="/matters/{matterId}/documents/folders",
    scope="documents/read",
    parent="matters",
    generate=folder_rows,
    create=create_folder,
    mark_updated=leave_unmarked,
    mark_deleted=None,
    id_parameter="folderId",
    build_tree=folder_tree,
)
