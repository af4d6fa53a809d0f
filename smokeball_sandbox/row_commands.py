"""Commands that change rows: touch, add, delete, convert and reorder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from smokeball_sandbox.areas.matters import convert_lead
from smokeball_sandbox.resources import Change
from smokeball_sandbox.store import UnknownRowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from smokeball_sandbox.clock import Clock
    from smokeball_sandbox.resources import Data, Resource, Row
    from smokeball_sandbox.store import Store

    ListRows = Callable[[], list[Row]]


class RowArguments(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The arguments of the commands that change rows.

    Attributes:
        resource: Name of the resource.
        id: Id of the row.
        parent: Id of the parent row.
        nth: Index in the list, instead of the id.
        position: Index in the list that the current request reads, instead of the id.
        set: Properties to set; null removes one.
        updated: Ticks of the change, instead of the current time.
        hard: "delete" removes the row instead of marking it as deleted.
        moves: "touch" also moves the row to another position in unsorted lists.
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


class CommandError(ValueError):
    """A command is invalid."""


COMMAND_ERRORS = (CommandError, UnknownRowError, msgspec.DecodeError)


class RowCommands:
    """Changes rows of the store by commands.

    Args:
        store: The rows.
        clock: The time of the changes.
        on_change: Called after each change of a row.

    Attributes:
        names: The names of the commands.
    """

    def __init__(self, store: Store, clock: Clock, on_change: Callable[[Change], None]) -> None:
        self._store = store
        self._clock = clock
        self._on_change = on_change
        self._by_name: dict[str, Callable[[Data, ListRows | None], Data]] = {
            "touch": self._touch,
            "add": self._add,
            "delete": self._delete,
            "convert": self._convert,
            "reorder": self._reorder,
        }
        self.names = self._by_name.keys()

    def run(self, name: str, arguments: Data, list_rows: ListRows | None = None) -> Data:
        """Run a command.

        Args:
            name: One of `names`.
            arguments: Its arguments, as in `RowArguments`.
            list_rows: Returns the list for ``position``; by default all rows by last update.

        Returns:
            The row afterwards, as `describe` does; empty for "reorder".

        Raises:
            CommandError: The command is invalid.
            msgspec.DecodeError: The arguments are invalid.
            UnknownRowError: The row does not exist.
        """
        return self._by_name[name](arguments, list_rows)

    def describe(self, resource: Resource, row: Row) -> Data:
        """Return a row as the control endpoints do: record, parent and last update."""
        record = self._store.record(resource, row)
        return {"parent": row.parent, "row": record, "updated": row.updated}

    def resource(self, name: str) -> Resource:
        """Return the resource of this name.

        Raises:
            CommandError: The resource does not exist.
        """
        try:
            return self._store.resources[name]
        except KeyError:
            known = ", ".join(self._store.resources)
            raise CommandError(f"Unknown resource: {name}. Use one of: {known}.") from None

    def _find(
        self, arguments: Data, list_rows: ListRows | None
    ) -> tuple[RowArguments, Resource, Row]:
        parsed = msgspec.convert(arguments, RowArguments)
        resource = self.resource(parsed.resource)
        if parsed.position is None:
            row = self._store.get(resource, parsed.parent, parsed.id, parsed.nth)
            return parsed, resource, row
        if list_rows is None:
            stored = self._store.rows(resource, parsed.parent)
            rows = sorted(stored, key=lambda row: row.updated)
        else:
            rows = list_rows()
        if not -len(rows) <= parsed.position < len(rows):
            raise CommandError(
                f"Position {parsed.position} is not in the list. Choose one below {len(rows)}."
            )
        row = rows[parsed.position]
        if self._store.is_lagging():  # the list may show the row as it was
            row = self._store.get(resource, row.parent, row.id, None)
        return parsed, resource, row

    def _touch(self, arguments: Data, list_rows: ListRows | None) -> Data:
        parsed, resource, row = self._find(arguments, list_rows)
        before = row.copy()
        self._store.touch(resource, row, parsed.set, parsed.updated)
        self._on_change(Change(resource, before, row))
        if parsed.moves:
            self._store.reorder(resource, row.parent, row)
        return self.describe(resource, row)

    def _add(self, arguments: Data, _: ListRows | None) -> Data:
        parsed = msgspec.convert(arguments, RowArguments)
        resource = self.resource(parsed.resource)
        row = self._store.add(resource, parsed.parent, parsed.set, parsed.updated)
        self._on_change(Change(resource, None, row))
        return self.describe(resource, row)

    def _delete(self, arguments: Data, list_rows: ListRows | None) -> Data:
        parsed, resource, row = self._find(arguments, list_rows)
        before, after = row.copy(), None if parsed.hard else row
        if parsed.hard:
            self._store.remove(resource, row)
        elif resource.mark_deleted is None:
            raise CommandError(f"{resource.name} has no flag for deleted rows. Pass hard.")
        else:
            resource.mark_deleted(row.data)
            self._store.touch(resource, row, parsed.set, parsed.updated)
        self._on_change(Change(resource, before, after))
        return self.describe(resource, row)

    def _convert(self, arguments: Data, list_rows: ListRows | None) -> Data:
        parsed, resource, row = self._find(arguments, list_rows)
        if row.data.get("isLead") is not True:
            raise CommandError("The row is not a lead. Choose a lead.")
        before = row.copy()
        convert_lead(self._store.firm, self._store.change_rng(), row, self._clock.ticks())
        self._store.touch(resource, row, parsed.set, parsed.updated)
        self._on_change(Change(resource, before, row))
        return self.describe(resource, row)

    def _reorder(self, arguments: Data, list_rows: ListRows | None) -> Data:
        parsed = msgspec.convert(arguments, RowArguments)
        resource, row, parent = self.resource(parsed.resource), None, parsed.parent
        if (parsed.id, parsed.nth, parsed.position) != (None, None, None):
            _, resource, row = self._find(arguments, list_rows)
            parent = row.parent
        self._store.reorder(resource, parent, row)
        return {}
