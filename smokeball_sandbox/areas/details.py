"""Records that are found by way of others: users, histories, reminders, parts of layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import leave_unmarked
from smokeball_sandbox.areas.firm import email_of
from smokeball_sandbox.clock import TICKS_PER_DAY, iso
from smokeball_sandbox.resources import Data, Resource, ResponseFormat, Row
from smokeball_sandbox.value_helpers import guid, link, record_header

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.firm import Firm

_CHANGES = ("Create", "Rename", "Move", "Open", "Send", "VersionReplace")
_OFFSETS = (5, 15, 30, 60, 1_440)


def user_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Generate the users of all staff members, current and former."""
    rng = firm.rng("users")
    rows = []
    for person in firm.staff:
        data: Data = {
            **record_header(person.user_id, f"{firm.url}/users/{person.user_id}", "Users"),
            "userId": person.user_id,
            "email": email_of(person),
            "isInternal": rng.random() < 0.1,  # noqa: PLR2004
            "bypassMfa": rng.random() < 0.1,  # noqa: PLR2004
        }
        rows.append(Row(data, firm.anchor_ticks))
    return rows


def file_version_rows(firm: Firm, file: Row | None) -> list[Row]:
    """Generate the history of a file: its creation, and some changes."""
    if file is None:
        return []
    rng = firm.rng("history", file.id)
    href = str(file.data["href"])
    rows = []
    for index in range(rng.choice((1, 1, 2, 3))):
        id_ = guid(rng)
        data: Data = {
            **record_header(id_, f"{href}/history/{id_}", "FileFolderLogs"),
            "type": "File",
            "changeType": _CHANGES[0] if index == 0 else rng.choice(_CHANGES[1:]),
            "timestamp": iso(firm.anchor_ticks - (9 - index) * TICKS_PER_DAY),
            "file": link(rng, file.id, href, "Files"),
            "userId": rng.choice(firm.staff).user_id,
        }
        rows.append(Row(data | _change(rng, data["changeType"], file), 0, file.id))
    return rows


def folder_version_rows(firm: Firm, folder: Row | None) -> list[Row]:
    """Generate the history of a folder: its creation, and perhaps its former name."""
    if folder is None:
        return []
    rng = firm.rng("history", folder.id)
    href = str(folder.data["href"])
    rows = []
    for index in range(rng.choice((1, 1, 2))):
        id_ = guid(rng)
        data: Data = {
            **record_header(id_, f"{href}/history/{id_}", "FileFolderLogs"),
            "type": "Folder",
            "changeType": "Rename" if index else "Create",
            "timestamp": iso(firm.anchor_ticks - (9 - index) * TICKS_PER_DAY),
            "folder": link(rng, folder.id, href, "Folders"),
            "userId": rng.choice(firm.staff).user_id,
        }
        if index:
            data |= {"oldName": "New folder", "newName": folder.data["name"]}
        rows.append(Row(data, 0, folder.id))
    return rows


def _change(rng: Random, change: str, file: Row) -> Data:
    matter = str(file.parent)
    if change == "Rename":
        return {"oldName": rng.choice(sample_text.FILES), "newName": file.data["name"]}
    if change == "Move":
        folder = file.data.get("folder", {}).get("id", guid(rng))
        places = {"oldMatterId": matter, "newMatterId": matter}
        return {**places, "oldFolderId": guid(rng), "newFolderId": folder}
    if change == "VersionReplace":
        return {"documentVersionId": f"{guid(rng)}-{rng.getrandbits(128):032x}"}
    if change == "Create" and rng.random() < 0.3:  # noqa: PLR2004
        return {"copySourceFileId": guid(rng), "copySourceFolderId": guid(rng)}
    return {}


def layout_contact_rows(firm: Firm, layout: Row | None) -> list[Row]:
    """Generate the contacts in the fields of a layout of a matter."""
    if layout is None:
        return []
    rng = firm.rng("layout contacts", layout.id)
    rows = []
    for index in range(rng.choice((0, 1, 2))):
        key = f"Experts[{index}]"
        contact = firm.contact_link(rng, rng.choice(firm.contacts))
        data = {**record_header(key, f"{layout.data['href']}/contacts/{key}", "LayoutContacts")}
        rows.append(Row({**data, "key": key, "contact": contact}, 0, layout.id))
    return rows


def reminder_rows(firm: Firm, event: Row | None) -> list[Row]:
    """Generate the reminders of an event."""
    if event is None:
        return []
    rng = firm.rng("reminders", event.id)
    return [
        Row(
            {
                "offset": rng.choice(_OFFSETS),
                "offsetTypeId": rng.randrange(3),
                "isAllDayReminder": bool(event.data["allDay"]),
                "userIds": [each.user_id for each in rng.sample(firm.staff, 2)],
            },
            0,
            event.id,
            id=str(index),
        )
        for index in range(rng.choice((0, 1, 1, 2)))
    ]


USERS = Resource(
    name="users",
    path="/users",
    scope="users/read",
    generate=user_rows,
    create=None,
    mark_updated=leave_unmarked,
    mark_deleted=None,
    is_listed=False,
)
FILE_VERSIONS = Resource(
    name="file_versions",
    path="/matters/{matterId}/documents/files/{fileId}/history",
    scope="documents/read",
    parent="files",
    generate=file_version_rows,
    create=None,
    mark_updated=leave_unmarked,
    mark_deleted=None,
    response_format=ResponseFormat.VALUE,
    id_parameter=None,
)
FOLDER_VERSIONS = Resource(
    name="folder_versions",
    path="/matters/{matterId}/documents/folders/{folderId}/history",
    scope="documents/read",
    parent="folders",
    generate=folder_version_rows,
    create=None,
    mark_updated=leave_unmarked,
    mark_deleted=None,
    response_format=ResponseFormat.VALUE,
    id_parameter=None,
)
LAYOUT_CONTACTS = Resource(
    name="layout_contacts",
    path="/matters/{matterId}/layouts/{itemId}/contacts",
    scope="layouts/read",
    parent="matter_layouts",
    generate=layout_contact_rows,
    create=None,
    mark_updated=leave_unmarked,
    mark_deleted=None,
    response_format=ResponseFormat.ARRAY,
    id_parameter=None,
)
EVENT_REMINDERS = Resource(
    name="event_reminders",
    path="/events/{eventId}/reminders",
    scope="events/read",
    parent="events",
    generate=reminder_rows,
    create=None,
    mark_updated=leave_unmarked,
    mark_deleted=None,
    response_format=ResponseFormat.ARRAY,
    id_parameter=None,
)
