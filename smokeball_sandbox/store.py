"""The rows of one firm: generated at the first read, changed only here."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING

from smokeball_sandbox.read_lag import ReadLag
from smokeball_sandbox.resources import Change, CreateRequest, Data, Resource, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from smokeball_sandbox.clock import Clock
    from smokeball_sandbox.firm import Firm

_MAX_CACHED_ROWS = 20_000

Key = tuple[str, "str | None"]


class UnknownRowError(LookupError):
    """A row does not exist."""


class Store:
    """All rows of all resources of one firm.

    Unchanged child lists may be dropped to save memory, and are then generated again.
    A changed list is kept.

    Attributes:
        version: Number that increases with each change.
        reads: Reads of each list that began, or its requests, for lists whose order changes.
    """

    def __init__(self, firm: Firm, clock: Clock, resources: Sequence[Resource]) -> None:
        self.resources: Mapping[str, Resource] = {each.name: each for each in resources}
        self._clock = clock
        self.version = 0
        self.reads: Counter[Key] = Counter()
        self.reset(firm)

    def reset(self, firm: Firm) -> None:
        """Drop all rows and changes, and start with a firm."""
        self.firm = firm
        self._changed: dict[Key, list[Row]] = {}
        self._cached: OrderedDict[Key, list[Row]] = OrderedDict()
        self._cached_rows = 0
        self._last_updated: dict[Key, int] = {}
        self._index: dict[str, dict[str, Row]] = {}
        self._parents: dict[tuple[str, str], str] = {}
        self._changes = 0
        self._read_lag = ReadLag()
        self.version += 1

    def rows(self, resource: Resource, parent: str | None = None) -> list[Row]:
        """Return the rows of one list, in the API's order without ``Sort``."""
        key = (resource.name, parent)
        rows = self._changed.get(key)
        if rows is None:
            rows = self._cached.get(key)
        if rows is None:
            rows = self._generate(resource, parent)
            self._last_updated[key] = max((row.updated for row in rows), default=0)
            if parent is None or resource.should_keep_lists:
                self._changed[key] = rows
            else:
                self._cached[key] = rows
                self._cached_rows += len(rows)
                while self._cached_rows > _MAX_CACHED_ROWS and len(self._cached) > 1:
                    self._cached_rows -= len(self._cached.popitem(last=False)[1])
        return rows

    def _generate(self, resource: Resource, parent: str | None) -> list[Row]:
        parent_row = None
        if resource.parent is not None and parent is not None:
            parent_row = self.find(self.resources[resource.parent], parent)
        rows = resource.generate(self.firm, parent_row)
        return sorted(rows, key=resource.default_order or _sort_key)

    def last_updated(self, resource: Resource, parent: str | None) -> int:
        """Return the latest update in a list, without generating its rows again."""
        key = (resource.name, parent)
        if key not in self._last_updated:
            self.rows(resource, parent)
        return self._last_updated[key]

    def find(self, resource: Resource, id_: str, parent: str | None = None) -> Row | None:
        """Return the row with this id, or None."""
        if parent is not None:
            return next((row for row in self.rows(resource, parent) if row.id == id_), None)
        if resource.parent is not None:
            return self._find_below(resource, id_)
        if resource.name not in self._index:
            self._index[resource.name] = {row.id: row for row in self.rows(resource)}
        return self._index[resource.name].get(id_)

    def _find_below(self, resource: Resource, id_: str) -> Row | None:
        """Return a row of any list of a resource; it stays in the list where it was found."""
        key = (resource.name, id_)
        if key in self._parents:
            return self.find(resource, id_, self._parents[key])
        for rows in self.lists(resource):
            self._parents |= {(resource.name, row.id): str(row.parent) for row in rows}
            if key in self._parents:
                return self.find(resource, id_, self._parents[key])
        return None

    def show_later(self, change: Change, until: int) -> None:
        """Let the API show a row as it was before a change, until these ticks."""
        self._read_lag.add(change, until)
        self.version += 1

    def is_lagging(self) -> bool:
        """Return whether the API does not show all changes yet."""
        if self._read_lag.settle(self.now()):
            self.version += 1
        return self._read_lag.is_active

    def shown_rows(self, resource: Resource, parent: str | None = None) -> list[Row]:
        """Return the rows of one list as the API shows them."""
        order = resource.default_order or _sort_key
        return self._read_lag.apply((resource.name, parent), self.rows(resource, parent), order)

    def find_shown(self, resource: Resource, id_: str, parent: str | None = None) -> Row | None:
        """Return the row with this id as the API shows it, or None."""
        if not self._read_lag.is_active:
            return self.find(resource, id_, parent)
        return next((row for row in self.shown_rows(resource, parent) if row.id == id_), None)

    def lists(self, resource: Resource) -> Iterator[list[Row]]:
        """Yield every list of a resource: one, or one for each parent row."""
        if resource.parent is None:
            yield self.rows(resource)
            return
        for parents in self.lists(self.resources[resource.parent]):
            for parent in list(parents):
                yield self.rows(resource, parent.id)

    def get(self, resource: Resource, parent: str | None, id_: str | None, nth: int | None) -> Row:
        """Return a row by its id, or by its index in its list.

        Raises:
            UnknownRowError: The row does not exist.
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
            raise UnknownRowError(
                f"{resource.name} has no such row. List its rows with GET /_sandbox/rows."
            )
        return row

    def touch(
        self, resource: Resource, row: Row, changes: Data, updated: int | None = None
    ) -> None:
        """Change one row; a property set to None is removed.

        Args:
            resource: Resource of the row.
            row: The row.
            changes: Properties to set.
            updated: Ticks of the change; by default the current time.
        """
        self._keep_list(resource, row.parent)
        for name, value in changes.items():
            if value is None:
                row.data.pop(name, None)
            else:
                row.data[name] = value
        row.updated = self._clock.ticks() if updated is None else updated
        resource.mark_updated(row, self.change_rng())
        key = (resource.name, row.parent)
        self._last_updated[key] = max(self._last_updated[key], row.updated)

    def add(
        self, resource: Resource, parent: str | None, properties: Data, updated: int | None = None
    ) -> Row:
        """Add a row with the given properties; the others are generated.

        Raises:
            UnknownRowError: The parent does not exist, or the resource allows no new rows.
        """
        if resource.create is None:
            raise UnknownRowError(f"{resource.name} allows no new rows. Choose another resource.")
        parent_row = None
        if resource.parent is not None:
            parent_row = self.get(self.resources[resource.parent], None, parent, None)
        request = CreateRequest(parent_row, self._clock.ticks(), properties)
        row = resource.create(self.firm, self.change_rng(), request)
        rows = self._keep_list(resource, row.parent)
        rows.append(row)
        self.touch(resource, row, properties, updated)
        row.id = properties.get("id", row.id)
        rows.sort(key=resource.default_order or _sort_key)
        if resource.name in self._index and row.parent is None:
            self._index[resource.name][row.id] = row
        return row

    def remove(self, resource: Resource, row: Row) -> None:
        """Hard-delete a row."""
        self._keep_list(resource, row.parent).remove(row)
        if row.parent is None:
            self._index.get(resource.name, {}).pop(row.id, None)

    def reorder(self, resource: Resource, parent: str | None, row: Row | None = None) -> None:
        """Move all rows of an unsorted list, or one row, to random positions."""
        rows, rng = self._keep_list(resource, parent), self.change_rng()
        for each in rows if row is None else [row]:
            each.sort_key = rng.getrandbits(32)
        rows.sort(key=resource.default_order or _sort_key)

    def record(self, resource: Resource, row: Row) -> Data:
        """Return the current record of a row, with every opt-in block."""
        if resource.derived_properties is None:
            return row.data
        return row.data | resource.derived_properties(self, row)

    def now(self) -> int:
        """Return the current ticks of the sandbox's clock."""
        return self._clock.ticks()

    def change_rng(self) -> Random:
        """Return the random number generator of the next change."""
        self._changes += 1
        return self.firm.rng("change", self._changes)

    def _keep_list(self, resource: Resource, parent: str | None) -> list[Row]:
        self.version += 1
        key = (resource.name, parent)
        rows = self.rows(resource, parent)
        if self._cached.pop(key, None) is not None:
            self._cached_rows -= len(rows)
        return self._changed.setdefault(key, rows)


def _sort_key(row: Row) -> int:
    return row.sort_key
