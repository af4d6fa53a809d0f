"""The rows: generated when first asked for, changed through here only."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from smokeball_sandbox.resources import Data, Request, Resource, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from smokeball_sandbox.clock import Clock
    from smokeball_sandbox.firm import Firm

_ROWS_KEPT = 20_000

Key = tuple[str, "str | None"]


class UnknownRowError(LookupError):
    """There is no such row."""


class Store:
    """Every row of every resource of one firm.

    Lists below a parent are made again when they have been dropped to save memory; a list that
    was changed is kept for good.

    Attributes:
        version: Goes up with each change of a row.
    """

    def __init__(self, firm: Firm, clock: Clock, resources: Sequence[Resource]) -> None:
        self.firm = firm
        self.resources = {resource.name: resource for resource in resources}
        self._clock = clock
        self._changed: dict[Key, list[Row]] = {}
        self._cached: OrderedDict[Key, list[Row]] = OrderedDict()
        self._rows_cached = 0
        self._newest: dict[Key, int] = {}
        self._index: dict[str, dict[str, Row]] = {}
        self._chances = 0
        self.version = 0

    def rows(self, resource: Resource, parent: str | None = None) -> list[Row]:
        """The rows of one list, in the order the API has them when none is asked for."""
        key = (resource.name, parent)
        rows = self._changed.get(key)
        if rows is None:
            rows = self._cached.get(key)
        if rows is None:
            rows = self._generate(resource, parent)
            self._newest[key] = max((row.updated for row in rows), default=0)
            if parent is None or resource.dear:
                self._changed[key] = rows
            else:
                self._cached[key] = rows
                self._rows_cached += len(rows)
                while self._rows_cached > _ROWS_KEPT and len(self._cached) > 1:
                    self._rows_cached -= len(self._cached.popitem(last=False)[1])
        return rows

    def _generate(self, resource: Resource, parent: str | None) -> list[Row]:
        above = None
        if resource.parent is not None and parent is not None:
            above = self.find(self.resources[resource.parent], parent)
        return sorted(resource.generate(self.firm, above), key=resource.order or _place)

    def newest(self, resource: Resource, parent: str | None) -> int:
        """The latest stamp in a list, known without making its rows again."""
        key = (resource.name, parent)
        if key not in self._newest:
            self.rows(resource, parent)
        return self._newest[key]

    def find(self, resource: Resource, id_: str, parent: str | None = None) -> Row | None:
        """The row with this id."""
        if parent is not None:
            return next((row for row in self.rows(resource, parent) if row.id == id_), None)
        if resource.name not in self._index:
            self._index[resource.name] = {row.id: row for row in self.rows(resource)}
        return self._index[resource.name].get(id_)

    def lists(self, resource: Resource) -> Iterator[list[Row]]:
        """Every list of a resource: one, or one for each row of the parent."""
        if resource.parent is None:
            yield self.rows(resource)
            return
        for above in list(self.rows(self.resources[resource.parent])):
            yield self.rows(resource, above.id)

    def pick(self, resource: Resource, parent: str | None, id_: str | None, nth: int | None) -> Row:
        """The row that a command means, by its id or by its place in its list.

        Raises:
            UnknownRowError: There is none.
        """
        row = None
        if id_ is not None and (resource.parent is None or parent is not None):
            row = self.find(resource, id_, parent)
        elif id_ is not None:
            row = next((r for rows in self.lists(resource) for r in rows if r.id == id_), None)
        elif nth is not None:
            rows = self.rows(resource, parent)
            row = rows[nth] if -len(rows) <= nth < len(rows) else None
        if row is None:
            raise UnknownRowError(f"no such row of {resource.name}")
        return row

    def touch(self, resource: Resource, row: Row, changes: Data, stamp: int | None = None) -> None:
        """Change a row, and nothing but this row."""
        self._pin(resource, row.parent)
        for name, value in changes.items():
            if value is None:
                row.data.pop(name, None)
            else:
                row.data[name] = value
        row.updated = self._clock.ticks() if stamp is None else stamp
        resource.stamp(row, self.chance())
        key = (resource.name, row.parent)
        self._newest[key] = max(self._newest[key], row.updated)

    def add(
        self, resource: Resource, parent: str | None, wanted: Data, stamp: int | None = None
    ) -> Row:
        """A new row with some properties as wanted and the others made up.

        Raises:
            UnknownRowError: The parent does not exist, or no row can be added.
        """
        if resource.create is None:
            raise UnknownRowError(f"there can be no more rows of {resource.name}")
        above = None
        if resource.parent is not None:
            above = self.pick(self.resources[resource.parent], None, parent, None)
        now = self._clock.ticks()
        row = resource.create(self.firm, self.chance(), Request(above, now, wanted))
        rows = self._pin(resource, row.parent)
        rows.append(row)
        self.touch(resource, row, wanted, stamp)
        row.id = wanted.get("id", row.id)
        rows.sort(key=resource.order or _place)
        if resource.name in self._index and row.parent is None:
            self._index[resource.name][row.id] = row
        return row

    def remove(self, resource: Resource, row: Row) -> None:
        """Let a row vanish without a trace."""
        self._pin(resource, row.parent).remove(row)
        if row.parent is None:
            self._index.get(resource.name, {}).pop(row.id, None)

    def reorder(self, resource: Resource, parent: str | None, row: Row | None = None) -> None:
        """Give all rows of a list, or one of them, another place, where no order is asked for."""
        rows, chance = self._pin(resource, parent), self.chance()
        for each in rows if row is None else [row]:
            each.place = chance.getrandbits(32)
        rows.sort(key=resource.order or _place)

    def record(self, resource: Resource, row: Row) -> Data:
        """A row's record as it is at this moment, with every opt-in block."""
        if resource.derived is None:
            return row.data
        return row.data | resource.derived(self, row)

    def now(self) -> int:
        """This moment's ticks, by the sandbox's clock."""
        return self._clock.ticks()

    def chance(self) -> Random:
        """A source of chance for the next change."""
        self._chances += 1
        return self.firm.rng("change", self._chances)

    def _pin(self, resource: Resource, parent: str | None) -> list[Row]:
        self.version += 1
        key = (resource.name, parent)
        rows = self.rows(resource, parent)
        if self._cached.pop(key, None) is not None:
            self._rows_cached -= len(rows)
        return self._changed.setdefault(key, rows)


def _place(row: Row) -> int:
    return row.place
