"""The commands behind the control endpoints, also run by scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from smokeball_sandbox.areas.matters import convert
from smokeball_sandbox.chaos import Hostility
from smokeball_sandbox.faults import TOKEN_TEMPLATE, Fault
from smokeball_sandbox.scheduled_changes import Script
from smokeball_sandbox.store import UnknownRowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from smokeball_sandbox.resources import Data, Resource, Row
    from smokeball_sandbox.simulation import World


class RowCommand(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The arguments of the commands that change rows.

    Attributes:
        resource: Name of the resource.
        id: Id of the row.
        parent: Id of the row it hangs under.
        nth: Its place in the list, instead of the id.
        position: Its place in the list that the request at hand asks for, instead of the id.
        set: Properties to write; null removes one.
        updated: The stamp to give it, in ticks, instead of this moment.
        hard: Whether "delete" leaves nothing behind.
        moves: Whether "touch" gives it another place too, in lists that have no order.
    """

    resource: str = "matters"
    id: str | None = None
    parent: str | None = None
    nth: int | None = None
    position: int | None = None
    set: dict[str, Any] = {}
    updated: int | None = None
    hard: bool = False
    moves: bool = False


class Size(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The arguments of "reset": another firm, where they differ from the present one's."""

    matters: int | None = None
    fees: int | None = None
    exact_fees: bool | None = None
    seed: int | None = None


class CommandError(ValueError):
    """A command that makes no sense."""


REFUSALS = (CommandError, UnknownRowError, msgspec.DecodeError)


class Commands:
    """Everything that can be done to the sandbox from outside the API."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._by_name: dict[str, Callable[[Data, Callable[[], list[Row]] | None], Any]] = {
            "touch": self._touch,
            "add": self._add,
            "delete": self._delete,
            "convert": self._convert,
            "reorder": self._reorder,
            "revoke": self._revoke,
            "fail": self._fail,
            "script": self._script,
            "settings": self._settings,
            "hostility": self._hostility,
            "reset": self._reset,
        }

    def run(self, command: Data, rows: Callable[[], list[Row]] | None = None) -> Any:
        """Run the command a document names and describes.

        Args:
            command: Its name under ``command``, and its arguments.
            rows: The list that a ``position`` counts in; all rows by last update otherwise.

        Raises:
            CommandError: There is no such command.
            msgspec.DecodeError: Its arguments will not do.
            UnknownRowError: There is no such row.
        """
        name = command.get("command")
        if name not in self._by_name:
            raise CommandError(f"no such command: {name}")
        arguments = {key: value for key, value in command.items() if key != "command"}
        return self._by_name[name](arguments, rows)

    def _row(
        self, arguments: Data, rows: Callable[[], list[Row]] | None
    ) -> tuple[RowCommand, Resource, Row]:
        wanted = msgspec.convert(arguments, RowCommand)
        resource, id_ = self.resource(wanted.resource), wanted.id
        if wanted.position is not None:
            store = self._world.store
            listed = (
                sorted(store.rows(resource, wanted.parent), key=lambda row: row.updated)
                if rows is None
                else rows()
            )
            if not -len(listed) <= wanted.position < len(listed):
                raise CommandError(f"no row at position {wanted.position} of {len(listed)}")
            row = listed[wanted.position]
            return wanted, resource, row
        return wanted, resource, self._world.store.pick(resource, wanted.parent, id_, wanted.nth)

    def shown(self, resource: Resource, row: Row) -> Data:
        """A row as the control endpoints tell it: the record, its parent and its stamp."""
        record = self._world.store.record(resource, row)
        return {"parent": row.parent, "row": record, "updated": row.updated}

    def resource(self, name: str) -> Resource:
        """The resource of this name.

        Raises:
            CommandError: There is none.
        """
        try:
            return self._world.store.resources[name]
        except KeyError:
            raise CommandError(f"no such resource: {name}") from None

    def _touch(self, arguments: Data, rows: Callable[[], list[Row]] | None) -> Data:
        wanted, resource, row = self._row(arguments, rows)
        self._world.store.touch(resource, row, wanted.set, wanted.updated)
        if wanted.moves:
            self._world.store.reorder(resource, row.parent, row)
        return self.shown(resource, row)

    def _add(self, arguments: Data, _: object) -> Data:
        wanted = msgspec.convert(arguments, RowCommand)
        resource = self.resource(wanted.resource)
        row = self._world.store.add(resource, wanted.parent, wanted.set, wanted.updated)
        return self.shown(resource, row)

    def _delete(self, arguments: Data, rows: Callable[[], list[Row]] | None) -> Data:
        wanted, resource, row = self._row(arguments, rows)
        if wanted.hard:
            self._world.store.remove(resource, row)
        elif resource.bury is None:
            raise CommandError(f"rows of {resource.name} have no mark for it: use hard")
        else:
            resource.bury(row.data)
            self._world.store.touch(resource, row, wanted.set, wanted.updated)
        return self.shown(resource, row)

    def _convert(self, arguments: Data, rows: Callable[[], list[Row]] | None) -> Data:
        wanted, resource, row = self._row(arguments, rows)
        if row.data.get("isLead") is not True:
            raise CommandError("not a lead")
        store = self._world.store
        convert(store.firm, store.chance(), row, self._world.clock.ticks())
        store.touch(resource, row, wanted.set, wanted.updated)
        return self.shown(resource, row)

    def _reorder(self, arguments: Data, rows: Callable[[], list[Row]] | None) -> Data:
        wanted = msgspec.convert(arguments, RowCommand)
        resource, row, parent = self.resource(wanted.resource), None, wanted.parent
        if (wanted.id, wanted.nth, wanted.position) != (None, None, None):
            _, resource, row = self._row(arguments, rows)
            parent = row.parent
        self._world.store.reorder(resource, parent, row)
        return {}

    def _revoke(self, arguments: Data, _: object) -> Data:
        self._world.authority.revoke(refresh=bool(arguments.get("refresh")))
        return {}

    def _fail(self, arguments: Data, _: object) -> Data:
        fault = msgspec.convert(arguments, Fault)
        if fault.template is not None:
            self._check_template(fault.template)
        self._world.faults.add(fault)
        return {}

    def _script(self, arguments: Data, _: object) -> Data:
        script = msgspec.convert(arguments, Script)
        self._check_template(script.template)
        unknown = {str(each.get("command")) for each in script.do} - set(self._by_name)
        if unknown:
            raise CommandError(f"no such command: {', '.join(sorted(unknown))}")
        self._world.scripts.add(script)
        return {}

    def _hostility(self, arguments: Data, _: object) -> Data:
        rules = msgspec.convert(arguments, Hostility)
        for name in rules.resources:
            self.resource(name)
        self._world.hostility.begin(rules)
        return {}

    def _reset(self, arguments: Data, _: object) -> Data:
        size = msgspec.convert(arguments, Size)
        self._world.reset(msgspec.to_builtins(size))
        return {}

    def _check_template(self, template: str) -> None:
        if template not in {*self._world.router.templates, TOKEN_TEMPLATE}:
            raise CommandError(f"no such template: {template}")

    def _settings(self, arguments: Data, _: object) -> Data:
        self._world.change(arguments)
        settings: Data = msgspec.to_builtins(self._world.settings)
        return settings
