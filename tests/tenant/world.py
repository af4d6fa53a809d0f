"""The firm's data and the clock, and the changes that people make."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from tests.tenant import ticks
from tests.tenant.resources import PARENTS, RESOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.tenant.options import Options
    from tests.tenant.resources import Resource

STATUSES = ("Open", "Pending", "Closed")
STATUSES_WHEN_OPEN = 3
"""Two of three new matters are open."""


@dataclass
class Row:
    """A record of the firm.

    Attributes:
        id: Its id.
        parent: Id of its parent; empty if it has none.
        changed: Time of its last change.
        created: Its position in the order of creation.
        revision: How often it was changed.
        is_deleted: Whether it is marked as deleted.
        is_hidden: Whether the user may not see it.
        is_lead: Whether a matter is a lead.
        status: Status of a matter.
    """

    id: str
    parent: str
    changed: int
    created: int
    revision: int = 0
    is_deleted: bool = False
    is_hidden: bool = False
    is_lead: bool = False
    status: str = "Open"


class Change(NamedTuple):
    """A change that somebody makes.

    Attributes:
        verb: ``touch``, ``add``, ``delete``, ``remove``, ``import`` (a new parent with old
            children), ``convert`` (a lead to a matter), ``status``, ``relabel`` (another status
            without a new version), ``hide`` or ``show``.
        resource: What is changed.
        number: Selects the row.
    """

    verb: str
    resource: str
    number: int


class View(NamedTuple):
    """The matters that a list is asked for."""

    includes_matters: bool = True
    includes_leads: bool = True
    statuses: tuple[str, ...] = ()

    def includes(self, row: Row) -> bool:
        """Return whether a matter is in the view."""
        is_wanted = self.includes_leads if row.is_lead else self.includes_matters
        return is_wanted and row.status in (self.statuses or (row.status,))


class World:
    """One firm.

    Args:
        options: How the tenant behaves.
        seed: Seed of ids and of the first rows.
        start: The clock at the beginning; None for the clock of this machine, which cannot be
            advanced.

    Attributes:
        rows: Rows by resource and id.
        known: Keys of all rows that ever were, by resource.
    """

    def __init__(self, options: Options, seed: int, start: int | None) -> None:
        self.options = options
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in RESOURCES}
        self.known: dict[str, set[tuple[str, ...]]] = {name: set() for name in RESOURCES}
        self._random = Random(seed)  # noqa: S311 - repeatable, not secret
        self._clock = start
        self._created = 0
        self._pending: list[tuple[int, Callable[[], None]]] = []

    @property
    def clock(self) -> int:
        """The true time, which changes carry."""
        return ticks.now() if self._clock is None else self._clock

    def advance(self, seconds: float) -> None:
        """Let time pass, and show the writes that are due."""
        if self._clock is not None:
            self._clock += round(seconds * ticks.SECOND)
        self.settle()

    def settle(self, *, is_final: bool = False) -> None:
        """Show the writes that are due; all of them in the end."""
        due = [write for at, write in self._pending if is_final or at <= self.clock]
        self._pending = [each for each in self._pending if not is_final and each[0] > self.clock]
        for write in due:
            write()

    def populate(self, names: Iterable[str], parents: int, children: int) -> None:
        """Create the first rows of some resources, and of their parents."""
        names = ["firm", *names]
        needed = dict.fromkeys([RESOURCES[name].parent or name for name in names] + names)
        for resource in (RESOURCES[name] for name in needed):
            if resource.parent:
                for parent in list(self.rows[resource.parent]):
                    if resource.is_certain:
                        continue
                    count = self._random.randint(0, 1 if resource.is_single else children)
                    self._add_old(resource, parent, count)
            elif resource.is_single:
                self._add_old(resource, "", 1)
            else:
                is_parent = resource.name in PARENTS
                self._add_old(resource, "", parents if is_parent else children * 2)

    def _add_old(self, resource: Resource, parent: str, count: int) -> None:
        for _ in range(count):
            age = self._random.choice((ticks.DAY, 30 * ticks.DAY, 700 * ticks.DAY))
            self._add(resource, parent, self.clock - age - self._random.randint(0, age))

    def _add(self, resource: Resource, parent: str, changed: int) -> Row:
        self._created += 1
        row = Row(str(uuid.UUID(int=self._random.getrandbits(128))), parent, changed, self._created)
        if resource.name == "matters":
            row.is_lead = self._random.random() < 1 / 4
            row.status = self._random.choice((*STATUSES, *("Open",) * STATUSES_WHEN_OPEN))
        self.rows[resource.name][row.id] = row
        self.known[resource.name].add(self.key(resource, row))
        for each in RESOURCES.values():
            if each.is_certain and each.parent == resource.name:
                self._add(each, row.id, changed)
        return row

    @staticmethod
    def key(resource: Resource, row: Row) -> tuple[str, ...]:
        """Return the values of the key columns."""
        if resource.name == "firm_users":
            return row.id, f"staff-{row.id}"
        if resource.is_single and resource.parent:
            return (row.parent,)
        return (row.parent, row.id) if len(resource.key) > 1 else (row.id,)

    def is_visible(self, resource: Resource, row: Row, view: View | None = None) -> bool:
        """Return whether the API has a row, in a view of the matters.

        Args:
            resource: The resource of the row.
            row: The row.
            view: The matters that are asked for; None for all.
        """
        if row.is_hidden or (row.is_deleted and self.options.deleted == "gone"):
            return False
        if resource.name == "matters" and view is not None and not view.includes(row):
            return False
        if not resource.parent:
            return True
        parent = self.rows[resource.parent].get(row.parent)
        return parent is not None and self.is_visible(RESOURCES[resource.parent], parent, view)

    def make(self, change: Change, children: Iterable[str]) -> str | None:
        """Make a change, if there is a row for it.

        Args:
            change: The change.
            children: The resources that an imported parent has rows of.

        Returns:
            What was changed, for a report; None if there was no row.
        """
        resource, at = RESOURCES[change.resource], self.clock
        if change.verb in {"add", "import"}:
            return self._make_new(change, resource, at, children)
        row = self._select(change, resource)
        if row is None:
            return None
        if change.verb == "remove":
            self._write(at, lambda: self._remove(resource, row))
        elif change.verb in {"hide", "show"}:
            row.is_hidden = change.verb == "hide"
        elif change.verb == "relabel":
            row.status = _next_status(row)
        else:
            self._write(at, lambda: self._update(resource, row, change.verb, at))
        return f"{change.verb} {resource.name} {row.id}"

    def _select(self, change: Change, resource: Resource) -> Row | None:
        rows = [
            row
            for row in self.rows[resource.name].values()
            if (change.verb != "convert" or row.is_lead)
            and (change.verb != "delete" or (resource.has_flag and not row.is_deleted))
            and (change.verb != "remove" or not resource.is_single)
            and (change.verb not in {"hide", "show"} or row.is_hidden == (change.verb == "show"))
        ]
        return rows[change.number % len(rows)] if rows else None

    def _make_new(
        self, change: Change, resource: Resource, at: int, children: Iterable[str]
    ) -> str | None:
        parent = ""
        if resource.parent:
            parents = [
                id_
                for id_ in self.rows[resource.parent]
                if not (resource.is_single and self._has_child(resource, id_))
            ]
            if not parents:
                return None
            parent = parents[change.number % len(parents)]
        elif resource.is_single:
            return None

        def write() -> None:
            row = self._add(resource, parent, at)
            self._touch_parent(resource, row, at)
            for child in (RESOURCES[name] for name in children):
                is_child = child.parent == resource.name and not child.is_certain
                if change.verb == "import" and is_child:
                    self._add_old(child, row.id, 1)

        self._write(at, write)
        return f"{change.verb} {resource.name} {parent}"

    def _has_child(self, resource: Resource, parent: str) -> bool:
        return any(row.parent == parent for row in self.rows[resource.name].values())

    def _write(self, at: int, write: Callable[[], None]) -> None:
        if self.options.lag_seconds:
            self._pending.append((at + self.options.lag_seconds * ticks.SECOND, write))
        else:
            write()

    def _update(self, resource: Resource, row: Row, verb: str, at: int) -> None:
        row.revision += 1
        row.changed = at
        if verb == "delete":
            row.is_deleted = True
        elif verb == "convert":
            row.is_lead = False
        elif verb == "status":
            row.status = _next_status(row)
        self._touch_parent(resource, row, at)

    def _remove(self, resource: Resource, row: Row) -> None:
        self.rows[resource.name].pop(row.id, None)
        self._touch_parent(resource, row, self.clock)

    def _touch_parent(self, resource: Resource, row: Row, at: int) -> None:
        parent = self.rows[resource.parent].get(row.parent) if resource.parent else None
        if parent is not None and self.options.touches_parent:
            parent.changed, parent.revision = at, parent.revision + 1


def _next_status(row: Row) -> str:
    return STATUSES[(STATUSES.index(row.status) + 1) % len(STATUSES)]
