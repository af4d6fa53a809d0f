"""From a recognised path and a query to the answer: the same for every resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from smokeball_sandbox.query import MAX_LIMIT, MAX_OFFSET, Query
from smokeball_sandbox.resources import Row, Wrapper
from smokeball_sandbox.responses import Answer, json_answer, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from smokeball_sandbox.resources import Data, Route
    from smokeball_sandbox.settings import Settings
    from smokeball_sandbox.store import Store

_BYTES_KEPT = 256_000_000
_BYTES_A_KEY = 500
_NO_LIMIT = MAX_OFFSET

_Entry = TypeVar("_Entry")


class Listing:
    """One reading of a list: what was asked, checked, and the rows that match right now.

    Attributes:
        errors: Complaints about the query; empty if it can be served.
        timely: Whether the answer depends on when it is given.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        route: Route,
        query_string: bytes,
        hidden: Collection[str],
    ) -> None:
        self._store = store
        self._settings = settings
        self._resource = resource = route.resource
        self._parent = route.parent
        self._hidden = hidden
        query = Query(query_string, store.now())
        self._offset, self._limit = 0, MAX_LIMIT
        if resource.paging or settings.undeclared_paging:
            self._offset = query.integer("Offset", 0, MAX_OFFSET, 0)
            self._limit = query.integer("Limit", 1, MAX_LIMIT, MAX_LIMIT)
        else:
            self._limit = _NO_LIMIT
        self._order = query.sort(tuple(resource.sort)) if resource.sort else []
        self._asked = query.listed("Fields", resource.fields) if resource.fields else []
        sent = [each for each in resource.date_filters if query.first(each.name) is not None]
        self._since = [query.moment(each.name, each.dialect) for each in sent]
        for extra in sent[1:]:
            query.refuse(extra.name, f"Cannot be combined with {sent[0].name}.")
        tests = (build(query) for build in resource.filters)
        self._tests = [test for test in tests if test is not None]
        self.errors = query.errors
        self.timely = query.timely
        others = [pair for pair in query.pairs if pair[0].lower() not in {"limit", "offset"}]
        self._others = f"{urlencode(others)}&" if others else ""

    def rows(self) -> list[Row]:
        """The rows that match, in the order asked for."""
        resource, parent, hidden = self._resource, self._parent, self._hidden
        since = self._since[0] if self._since else None
        if since is not None and self._store.newest(resource, parent) < since:
            return []
        rows = self._store.rows(resource, parent)
        if since is not None:
            first = since if self._settings.inclusive else since + 1
            rows = [row for row in rows if row.updated >= first]
        if hidden:
            rows = [row for row in rows if row.id not in hidden and _matter(row) not in hidden]
        if resource.hides_deleted:
            rows = [row for row in rows if not row.data.get("isDeleted")]
        for test in self._tests:
            rows = [row for row in rows if test(self._whole(row))]
        for name, descending in reversed(self._order):
            rows = sorted(rows, key=resource.sort[name], reverse=descending)
        return rows

    def _whole(self, row: Row) -> Row:
        """A row with what is looked up in other resources, for tests that look at it."""
        if self._resource.derived is None:
            return row
        record = self._store.record(self._resource, row)
        return Row(record, row.updated, row.parent, row.plan, id=row.id)

    def content(self, url: str, template: str) -> Data | list[Data]:
        """The answer's JSON, in the resource's shape."""
        rows, wrapper = self.rows(), self._resource.wrapper
        if wrapper is Wrapper.PAGED:
            return self.page(rows, self._record, url, template)
        records = [self._record(row) for row in rows]
        if wrapper is Wrapper.ARRAY:
            return records
        return {**self._beside(), self._resource.wrap_key: records}

    def _beside(self) -> Data:
        resource = self._resource
        if resource.beside is None or resource.parent is None or self._parent is None:
            return {}
        parent = self._store.find(self._store.resources[resource.parent], self._parent)
        return {} if parent is None else resource.beside(self._store.firm, parent)

    def _record(self, row: Row) -> Data:
        resource = self._resource
        left_out = [name for name in resource.fields if name not in self._asked]
        record = self._store.record(resource, row)
        return without(record, [*left_out, *resource.detail], resource.fields_in)

    def page(
        self, rows: Sequence[_Entry], record: Callable[[_Entry], Data], url: str, template: str
    ) -> Data:
        """The envelope around the part of a list that is asked for."""
        settings, limit = self._settings, self._limit
        repeats = settings.repeat_pages
        stuck = repeats if isinstance(repeats, bool) else template in repeats
        start = 0 if stuck else self._offset
        cut = limit if settings.max_page is None else min(limit, settings.max_page)
        page = rows[start : start + cut]
        envelope: Data = {
            "id": self._resource.name,
            "href": url,
            "rel": "collection",
            "self": {"href": self._link(url, self._offset)},
            "value": [record(row) for row in page],
            "offset": self._offset,
            "limit": limit,
            "size": len(rows),
            "first": {"href": self._link(url, 0)},
        }
        if settings.size == "missing":
            del envelope["size"]
        elif settings.size == "zero":
            envelope["size"] = 0
        elif isinstance(settings.size, int):
            envelope["size"] = max(0, len(rows) + settings.size)
        if self._offset > 0:
            before = max(0, self._offset - limit)
            envelope["previous"] = {"href": self._link(url, before), "rel": "collection"}
        if page and (stuck or start + len(page) < len(rows)):
            after = self._offset + len(page)
            envelope["next"] = {"href": self._link(url, after), "rel": "collection"}
        last = max(0, (len(rows) - 1) // limit * limit)
        envelope["last"] = {"href": self._link(url, last), "rel": "collection"}
        if limit == _NO_LIMIT:
            del envelope["offset"], envelope["limit"]
        return envelope

    def _link(self, url: str, offset: int) -> str:
        if self._limit == _NO_LIMIT:
            return url
        return f"{url}?{self._others}limit={self._limit}&offset={offset}"


class Handler:
    """Serves any declared resource from the store.

    Answers are kept until a row or a setting changes. What does not fit is not kept, rather than
    taking the place of what is: clients walk through everything, time and again.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._kept: dict[tuple[str, bytes, Collection[str]], Answer] = {}
        self._kept_bytes = 0
        self._kept_version = 0

    def forget(self) -> None:
        """Keep none of the answers given so far."""
        self._kept.clear()
        self._kept_bytes = 0
        self._kept_version = self._store.version

    def answer(
        self,
        route: Route,
        path: str,
        query_string: bytes,
        hidden: frozenset[str],
    ) -> Answer:
        """Answer a request that the gateway has let through.

        Args:
            route: What it is for.
            path: The path without the account.
            query_string: The query as sent.
            hidden: Ids the caller may not see.
        """
        if self._kept_version != self._store.version:
            self.forget()
        key = (path, query_string, hidden)
        answer = self._kept.get(key)
        if answer is None:
            answer, timely = self._answer(route, path, query_string, hidden)
            if not timely and self._kept_bytes + len(answer.body) <= _BYTES_KEPT:
                self._kept[key] = answer
                self._kept_bytes += len(answer.body) + _BYTES_A_KEY
        return answer

    def rows(self, route: Route, query_string: bytes, hidden: frozenset[str]) -> list[Row]:
        """The whole list that a request asks a page of, as it is now."""
        return Listing(self._store, self._settings, route, query_string, hidden).rows()

    def _answer(
        self, route: Route, path: str, query_string: bytes, hidden: Collection[str]
    ) -> tuple[Answer, bool]:
        """The answer, and whether it is good for this moment only."""
        resource = route.resource
        listing = None
        if resource.tree or (route.id is None and resource.wrapper is not Wrapper.OBJECT):
            listing = Listing(self._store, self._settings, route, query_string, hidden)
        refusal = self._refuse_add_on(route, path) or self._refuse_parent(route, path, hidden)
        if refusal is not None:
            return refusal, False
        if listing is None:
            return self._single(route, path, hidden), False
        if listing.errors:
            return problem(400, "The request is not valid.", path, listing.errors), False
        url, template = self._store.firm.url + path, f"GET {route.template}"
        if resource.tree:
            return self._tree(route, path, listing), False
        return json_answer(listing.content(url, template)), listing.timely

    def _tree(self, route: Route, path: str, listing: Listing) -> Answer:
        found = None
        if route.resource.tree and route.parent is not None:
            found = route.resource.tree(self._store, route.parent, route.id)
        if found is None:
            return problem(404, f"Nothing found of {route.resource.name}.", path)
        own, element = found
        url = self._store.firm.url + path
        return json_answer(listing.page([element], dict, url, f"GET {route.template}") | own)

    def _refuse_add_on(self, route: Route, path: str) -> Answer | None:
        if route.resource.add_on is None:
            return None
        firm = self._store.rows(self._store.resources["firm"])[0]
        if route.resource.add_on in firm.data.get("addOnIds", ()):
            return None
        return problem(403, "The firm is not subscribed to this.", path)

    def _refuse_parent(self, route: Route, path: str, hidden: Collection[str]) -> Answer | None:
        if route.parent is None or route.resource.parent is None:
            return None
        parent = self._store.resources[route.resource.parent]
        if self._store.find(parent, route.parent) is None:
            return problem(404, f"No {parent.name} with id '{route.parent}'.", path)
        if route.parent in hidden:
            return problem(403, "The user has no access.", path)
        return None

    def _single(self, route: Route, path: str, hidden: Collection[str]) -> Answer:
        resource = route.resource
        if route.id is None:
            rows = self._store.rows(resource, route.parent)
            row = rows[0] if rows else None
        else:
            row = self._store.find(resource, route.id, route.parent)
        if row is None:
            return problem(404, f"Nothing found of {resource.name}.", path)
        if row.id in hidden or _matter(row) in hidden:
            return problem(403, "The user has no access.", path)
        left_out = [name for name in resource.fields if name not in resource.by_id_fields]
        record = self._store.record(resource, row)
        return json_answer(without(record, left_out, resource.fields_in))


def without(data: Data, names: Collection[str], within: Collection[str] = ()) -> Data:
    """A record less some of its properties, and the objects in it less theirs."""
    if not names:
        return data
    record: dict[str, Any] = data.copy()
    for name in names:
        record.pop(name, None)
    for name in within:
        if name in record:
            record[name] = without(record[name], names)
    return record


def _matter(row: Row) -> str | None:
    """The id of the matter that a row names."""
    matter: dict[str, str] = row.data.get("matter") or {}
    return matter.get("id")
