"""What a resource of the API is: a declaration, which one handler serves."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query
    from smokeball_sandbox.store import Store

Data = dict[str, Any]


class Wrapper(Enum):
    """The five shapes in which the API hands out rows."""

    PAGED = "paged"
    VALUE = "value"
    ARRAY = "array"
    OBJECT = "object"
    WRAPPED = "wrapped"


class Row:
    """One record and what the API knows of it without telling.

    Attributes:
        id: Its id, also where the record itself tells none.
        parent: The id of the row it hangs under, if any.
        updated: Ticks of its last change.
        data: The record with every opt-in block.
        plan: What the rows below it are generated from; fixed at birth, None if added by hand.
        place: Its place in lists that have no order; at birth it has nothing to do with time.
    """

    __slots__ = ("data", "id", "parent", "place", "plan", "updated")

    def __init__(
        self,
        data: Data,
        updated: int,
        parent: str | None = None,
        plan: object = None,
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        self.id: str = data["id"] if id is None else id
        self.parent = parent
        self.updated = updated
        self.data = data
        self.plan = plan
        self.place = crc32(self.id.encode())


@dataclass(frozen=True)
class DateFilter:
    """A parameter that lets only rows through that changed since: ticks, iso, iso-no-zone."""

    name: str
    dialect: str


class Request(NamedTuple):
    """What ``create`` is told: where, when, and what was asked for."""

    parent: Row | None
    now: int
    wanted: Data


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource, as data.

    Attributes:
        name: Its name, also at the control endpoints.
        path: Path of the list, with the parent's key in braces.
        scope: What a token must be granted to read it.
        generate: Makes the rows the firm starts with, below one row of the parent.
        create: Makes one more row; None if there can be no more.
        stamp: Writes the marks of a change into a row whose ``updated`` has moved.
        bury: Marks a record as deleted; None if such records can only vanish.
        wrapper: The shape of the list.
        wrap_key: The array's name, where the list is an object around an array.
        beside: What stands beside the array there, for the row of the parent.
        parent: Name of the resource it hangs under.
        by_id: Name of the path parameter of the by-id endpoint; None if there is none.
        date_filters: At most one of these may be sent.
        sort: What the list can be sorted by.
        order: What the list is sorted by when nothing is asked for; None for no order at all.
        fields: The opt-in blocks of the list.
        fields_in: Objects in the record that may hold opt-in blocks too.
        by_id_fields: Those of them that the by-id endpoint always includes.
        detail: Properties that only the by-id endpoint has.
        filters: The other parameters; each reads the query and gives a test for rows.
        hides_deleted: Whether lists leave out what is marked as deleted.
        paging: Whether ``Offset`` and ``Limit`` are declared.
        derived: Properties that are looked up in other resources whenever the record is told.
        tree: For a parent's id and a row's: the envelope's own properties and its one element.
        add_on: What the firm must subscribe to.
        dear: Whether its lists below a parent are kept, because they take long to make.
    """

    name: str
    path: str
    scope: str
    generate: Callable[[Firm, Row | None], list[Row]]
    create: Callable[[Firm, Random, Request], Row] | None
    stamp: Callable[[Row, Random], None]
    bury: Callable[[Data], None] | None
    wrapper: Wrapper = Wrapper.PAGED
    wrap_key: str = "value"
    beside: Callable[[Firm, Row], Data] | None = None
    parent: str | None = None
    by_id: str | None = "id"
    date_filters: tuple[DateFilter, ...] = ()
    sort: Mapping[str, Callable[[Row], Any]] = field(default_factory=dict)
    order: Callable[[Row], Any] | None = None
    fields: tuple[str, ...] = ()
    fields_in: tuple[str, ...] = ()
    by_id_fields: tuple[str, ...] = ()
    detail: tuple[str, ...] = ()
    filters: tuple[Callable[[Query], Callable[[Row], bool] | None], ...] = ()
    hides_deleted: bool = False
    paging: bool = True
    derived: Callable[[Store, Row], Data] | None = None
    tree: Callable[[Store, str, str | None], tuple[Data, Data] | None] | None = None
    add_on: str | None = None
    dear: bool = False


class Route(NamedTuple):
    """A path that was recognised."""

    template: str
    resource: Resource
    parent: str | None
    id: str | None


class Router:
    """Finds the resource behind a path.

    Attributes:
        templates: Every method and path template there is.
    """

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.templates: set[str] = set()
        self._by_length: dict[int, list[tuple[list[str], Resource, bool]]] = {}
        for resource in resources:
            self._add(resource.path, resource, by_id=False)
            if resource.by_id is not None:
                self._add(f"{resource.path}/{{{resource.by_id}}}", resource, by_id=True)

    def _add(self, path: str, resource: Resource, *, by_id: bool) -> None:
        self.templates.add(f"GET {path}")
        parts = path.split("/")
        self._by_length.setdefault(len(parts), []).append((parts, resource, by_id))

    def find(self, path: str) -> Route | None:
        """The resource, the parent's id and the row's own id that a path names."""
        parts = path.split("/")
        for pattern, resource, by_id in self._by_length.get(len(parts), ()):
            keys = []
            for wanted, given in zip(pattern, parts, strict=True):
                if wanted.startswith("{"):
                    keys.append(given)
                elif wanted != given:
                    break
            else:
                own = keys.pop() if by_id else None
                return Route("/".join(pattern), resource, keys[0] if keys else None, own)
        return None
