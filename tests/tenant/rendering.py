"""Rows as JSON, in the shapes of the API."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.tenant import ticks

if TYPE_CHECKING:
    from tests.tenant.resources import Resource
    from tests.tenant.world import Row, World

Json = dict[str, Any]

REVISION = "tenantRevision"
"""A property that no client can know: it shows which version of a row was delivered."""


class Renderer:
    """Writes the rows of a world.

    Args:
        world: The world.
        base: URL of the API, for links.
    """

    def __init__(self, world: World, base: str) -> None:
        self._world = world
        self._options = world.options
        self._base = base

    def row(self, resource: Resource, row: Row) -> Json:
        """Return a row of a list, or a single object."""
        options = self._options
        found: Json = {
            "id": row.id,
            "href": f"{self._base}{resource.path.format(row.parent)}/{row.id}",
            options.link_name: resource.name,
            "versionId": self._version(row),
            REVISION: row.revision,
            "externalSystemId": None,
        }
        if resource.has_flag:
            found["isDeleted"] = row.is_deleted
        if resource.updated:
            name, form = resource.updated
            found[name] = self._time(row.changed, form)
        special = getattr(self, f"_{resource.name}", None)
        if special is not None:
            special(found, row)
        if options.has_nulls:
            return found
        return {name: value for name, value in found.items() if value is not None}

    def _time(self, at: int, form: str) -> int | str:
        if form == "iso":
            return ticks.to_iso(at, self._options.fraction_digits)
        return str(at) if form == "text" else at

    @staticmethod
    def _version(row: Row) -> str:
        return str(uuid.uuid5(uuid.UUID(row.id), str(row.revision)))

    def _link(self, path: str, id_: str) -> Json:
        return {"id": id_, "href": f"{self._base}{path}/{id_}", self._options.link_name: "link"}

    def _firm_users(self, found: Json, row: Row) -> None:
        if not self._options.has_own_id:
            del found["id"]
        found |= {"userId": row.id, "staffId": f"staff-{row.id}", "isFormerUser": False}

    def _matters(self, found: Json, row: Row) -> None:
        found |= {"isLead": row.is_lead, "status": row.status, "number": None, "clients": []}

    def _matter_stages(self, found: Json, row: Row) -> None:
        if not self._options.has_own_id:
            del found["id"]
        found["matter"] = self._link("/matters", row.id)

    def _matter_balances(self, found: Json, row: Row) -> None:
        del found["id"], found["versionId"]
        found |= {"matter": self._link("/matters", row.id), "balance": row.revision + 0.1}

    def _transactions(self, found: Json, row: Row) -> None:
        del found["versionId"]
        found |= {"amount": 0.1, "bankAccount": self._link("/bankaccounts", row.parent)}

    def _matter_layouts(self, found: Json, row: Row) -> None:
        found |= {"id": f"layout-{row.id}", "itemId": row.id}

    def _archives(self, found: Json, row: Row) -> None:
        del found["versionId"]
        found["id"] = row.parent

    def _files(self, found: Json, row: Row) -> None:
        found["versionId"] = f"{row.id}_{row.revision}"

    def _memos(self, found: Json, row: Row) -> None:
        del found["versionId"]
        found["matterId"] = row.parent

    def _tasks(self, found: Json, row: Row) -> None:
        del found["versionId"]
        subtasks = [s.id for s in self._world.rows["subtasks"].values() if s.parent == row.id]
        found["subTasks"] = [self._link(f"/tasks/{row.id}/subtasks", id_) for id_ in subtasks]

    def _contact_relations(self, found: Json, _row: Row) -> None:
        del found["versionId"]

    def _folders(self, found: Json, row: Row) -> None:
        del found["versionId"]
        found["name"] = f"Folder {row.created}"
