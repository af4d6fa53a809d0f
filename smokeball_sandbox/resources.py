"""Declarations of the API's resources, and the router that finds them by path."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query

Data = dict[str, Any]


class ResponseFormat(Enum):
    """The formats in which the API returns the records of a list."""

    PAGED = "paged"
    VALUE = "value"
    ARRAY = "array"
    OBJECT = "object"
    WRAPPED = "wrapped"


class Row:
    """One record, with metadata that the API does not return.

    Attributes:
        id: Id of the record, also if the record itself has none.
        parent: Id of the parent row, if any.
        updated: Ticks of the last change.
        data: The record with every opt-in block.
        plan: Seed of the child rows, fixed at creation; None if a command added the row.
        sort_key: Position in unsorted lists; at first it does not depend on time.
    """

    __slots__ = ("data", "id", "parent", "plan", "sort_key", "updated")

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
        self.sort_key = crc32(self.id.encode())

    def copy(self) -> Row:
        """Return a copy that later changes of the row leave as it is."""
        copied = Row(self.data.copy(), self.updated, self.parent, self.plan, id=self.id)
        copied.sort_key = self.sort_key
        return copied


class RowReader(Protocol):
    """Read access to all rows, for properties that other resources determine."""

    firm: Firm
    resources: Mapping[str, Resource]

    def rows(self, resource: Resource, parent: str | None = None) -> list[Row]:
        """Return the rows of one list."""

    def now(self) -> int:
        """Return the current ticks of the sandbox's clock."""


@dataclass(frozen=True)
class DateFilter:
    """A filter by the last change; the date format is ticks, iso or iso-no-zone."""

    name: str
    date_format: str


class Change(NamedTuple):
    """A row before and after a change: None before it was added, or after it was removed."""

    resource: Resource
    before: Row | None
    after: Row | None

    @property
    def row(self) -> Row:
        """The row as it is, or as it was when it was removed."""
        return next(row for row in (self.after, self.before) if row is not None)


class CreateRequest(NamedTuple):
    """Arguments of ``create``: the parent row, the current ticks, the given properties."""

    parent: Row | None
    now: int
    properties: Data


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource, as data.

    Attributes:
        name: Name, also at the control endpoints.
        path: Path of the list, with the parent's parameter in braces.
        scope: Scope that reading requires.
        generate: Generates the initial rows, of one parent row if there is a parent.
        create: Creates another row; None if there can be no more.
        mark_updated: Writes the traces of a change into a row whose ``updated`` is new.
        mark_deleted: Marks a record as deleted; None if records can only be hard-deleted.
        response_format: Format of the list.
        rows_key: Name of the array, if the list is an object around an array.
        envelope_properties: The other properties of that object, for the parent row.
        parent: Name of the parent resource.
        id_parameter: Path parameter of the by-id endpoint; None if there is no endpoint.
        date_filters: Date filters; at most one may be sent.
        sort: Sort keys by name.
        default_order: Sort key of the list without ``Sort``; None for no order.
        opt_in_fields: Opt-in blocks of the list.
        opt_in_objects: Objects in the record that may contain opt-in blocks, too.
        by_id_fields: Opt-in blocks that the by-id endpoint always includes.
        by_id_only_fields: Properties that only the by-id endpoint returns.
        filters: The other parameters; each reads the query and returns a predicate.
        should_hide_deleted: Lists omit rows that are marked as deleted.
        has_paging: The API declares ``Offset`` and ``Limit``.
        derived_properties: Properties computed from other resources at each read.
        requested_properties: Properties of a single record that the query determines; None
            if what it asks for does not exist.
        build_tree: For a parent's id and a row's: the envelope's own properties and
            its one element.
        add_on: Add-on that the firm must subscribe to.
        should_keep_lists: Keep child lists in memory because they are slow to generate.
        is_listed: The API has the list endpoint; otherwise the rows are only by id, or parts of
            other records.
        is_cacheable: A response stays the same until a row changes.
    """

    name: str
    path: str
    scope: str
    generate: Callable[[Firm, Row | None], list[Row]]
    create: Callable[[Firm, Random, CreateRequest], Row] | None
    mark_updated: Callable[[Row, Random], None]
    mark_deleted: Callable[[Data], None] | None
    response_format: ResponseFormat = ResponseFormat.PAGED
    rows_key: str = "value"
    envelope_properties: Callable[[Firm, Row], Data] | None = None
    parent: str | None = None
    id_parameter: str | None = "id"
    date_filters: tuple[DateFilter, ...] = ()
    sort: Mapping[str, Callable[[Row], Any]] = field(default_factory=dict)
    default_order: Callable[[Row], Any] | None = None
    opt_in_fields: tuple[str, ...] = ()
    opt_in_objects: tuple[str, ...] = ()
    by_id_fields: tuple[str, ...] = ()
    by_id_only_fields: tuple[str, ...] = ()
    filters: tuple[Callable[[Query], Callable[[Row], bool] | None], ...] = ()
    should_hide_deleted: bool = False
    has_paging: bool = True
    derived_properties: Callable[[RowReader, Row], Data] | None = None
    requested_properties: Callable[[RowReader, Row, Query], Data | None] | None = None
    build_tree: Callable[[RowReader, str, str | None], tuple[Data, Data] | None] | None = None
    add_on: str | None = None
    should_keep_lists: bool = False
    is_listed: bool = True
    is_cacheable: bool = True


class Route(NamedTuple):
    """A recognized path: its template, its resource, and the ids in it.

    Attributes:
        template: The path template.
        resource: The resource.
        parent: Id of the parent row, if any.
        id: Id of the row, in the path of a single one.
        grandparent: Id of the parent's parent, if any.
    """

    template: str
    resource: Resource
    parent: str | None
    id: str | None
    grandparent: str | None = None

    @property
    def scope(self) -> str:
        """The scope that reading requires."""
        return self.resource.scope


class Router:
    """Finds the resource of a path.

    Attributes:
        templates: Every method and path template.
    """

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.templates: set[str] = set()
        self._by_length: dict[int, list[tuple[list[str], Resource, bool]]] = {}
        for resource in resources:
            if resource.is_listed:
                self._add(resource.path, resource, by_id=False)
            if resource.id_parameter is not None:
                self._add(f"{resource.path}/{{{resource.id_parameter}}}", resource, by_id=True)

    def _add(self, path: str, resource: Resource, *, by_id: bool) -> None:
        self.templates.add(f"GET {path}")
        parts = path.split("/")
        self._by_length.setdefault(len(parts), []).append((parts, resource, by_id))

    def find(self, path: str) -> Route | None:
        """Return the route of a path, or None if the path is unknown."""
        parts = path.split("/")
        for pattern, resource, by_id in self._by_length.get(len(parts), ()):
            keys = []
            for expected, part in zip(pattern, parts, strict=True):
                if expected.startswith("{"):
                    keys.append(part)
                elif expected != part:
                    break
            else:
                own = keys.pop() if by_id else None
                parent = keys.pop() if keys else None
                above = keys.pop() if keys else None
                return Route("/".join(pattern), resource, parent, own, above)
        return None
