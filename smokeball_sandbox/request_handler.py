"""From a route and a query to the response, for every resource alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from smokeball_sandbox.query import MAX_LIMIT, MAX_OFFSET, Query
from smokeball_sandbox.resources import ResponseFormat, Row
from smokeball_sandbox.responses import Response, json_response, problem_response

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from smokeball_sandbox.resources import Data, Route
    from smokeball_sandbox.settings import Settings
    from smokeball_sandbox.store import Store

_MAX_CACHE_BYTES = 256_000_000
_BYTES_PER_KEY = 500
_NO_LIMIT = MAX_OFFSET

_Entry = TypeVar("_Entry")


class ListQuery:
    """A validated query of one list, and the rows that match it now.

    Attributes:
        errors: Errors in the query; empty if it is valid.
        depends_on_time: Whether the response depends on the time of the request.
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
        if resource.has_paging or settings.undeclared_paging:
            self._offset = query.integer("Offset", 0, MAX_OFFSET, 0)
            self._limit = query.integer("Limit", 1, MAX_LIMIT, MAX_LIMIT)
        else:
            self._limit = _NO_LIMIT
        self._order = query.sort(tuple(resource.sort)) if resource.sort else []
        opt_in = resource.opt_in_fields
        self._requested_fields = query.members("Fields", opt_in) if opt_in else []
        sent = [each for each in resource.date_filters if query.value(each.name) is not None]
        self._since = [query.timestamp(each.name, each.date_format) for each in sent]
        for extra in sent[1:]:
            query.add_error(extra.name, f"Cannot be combined with {sent[0].name}.")
        predicates = (build(query) for build in resource.filters)
        self._predicates = [each for each in predicates if each is not None]
        self.errors = query.errors
        self.depends_on_time = query.depends_on_time
        others = [pair for pair in query.pairs if pair[0].lower() not in {"limit", "offset"}]
        self._other_parameters = f"{urlencode(others)}&" if others else ""

    def rows(self) -> list[Row]:
        """Return the matching rows in the requested order."""
        resource, parent, hidden = self._resource, self._parent, self._hidden
        since = self._since[0] if self._since else None
        if since is not None and self._store.last_updated(resource, parent) < since:
            return []
        rows = self._store.shown_rows(resource, parent)
        if since is not None:
            first = since if self._settings.inclusive else since + 1
            rows = [row for row in rows if row.updated >= first]
        if hidden:
            rows = [row for row in rows if row.id not in hidden and _matter_id(row) not in hidden]
        if resource.should_hide_deleted:
            rows = [row for row in rows if not row.data.get("isDeleted")]
        for predicate in self._predicates:
            rows = [row for row in rows if predicate(self._with_derived(row))]
        for name, is_descending in reversed(self._order):
            rows = sorted(rows, key=resource.sort[name], reverse=is_descending)
        return rows

    def _with_derived(self, row: Row) -> Row:
        """Return a row with its derived properties, for predicates that read them."""
        if self._resource.derived_properties is None:
            return row
        record = self._store.record(self._resource, row)
        return Row(record, row.updated, row.parent, row.plan, id=row.id)

    def content(self, url: str, template: str) -> Data | list[Data]:
        """Return the JSON of the response, in the resource's format."""
        rows, response_format = self.rows(), self._resource.response_format
        if response_format is ResponseFormat.PAGED:
            return self.page(rows, self._record, url, template)
        records = [self._record(row) for row in rows]
        if response_format is ResponseFormat.ARRAY:
            return records
        return {**self._envelope_properties(), self._resource.rows_key: records}

    def _envelope_properties(self) -> Data:
        resource = self._resource
        if resource.envelope_properties is None or resource.parent is None or self._parent is None:
            return {}
        parent = self._store.find(self._store.resources[resource.parent], self._parent)
        return {} if parent is None else resource.envelope_properties(self._store.firm, parent)

    def _record(self, row: Row) -> Data:
        resource = self._resource
        omitted = [name for name in resource.opt_in_fields if name not in self._requested_fields]
        record = self._store.record(resource, row)
        names = [*omitted, *resource.by_id_only_fields]
        return omit_properties(record, names, resource.opt_in_objects)

    def page(
        self, rows: Sequence[_Entry], record: Callable[[_Entry], Data], url: str, template: str
    ) -> Data:
        """Return the envelope of the requested page."""
        settings, limit = self._settings, self._limit
        repeats = settings.repeat_pages
        should_repeat = repeats if isinstance(repeats, bool) else template in repeats
        start = 0 if should_repeat else self._offset
        page_size = limit if settings.max_page is None else min(limit, settings.max_page)
        page = rows[start : start + page_size]
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
            previous = max(0, self._offset - limit)
            envelope["previous"] = {"href": self._link(url, previous), "rel": "collection"}
        if page and (should_repeat or start + len(page) < len(rows)):
            following = self._offset + len(page)
            envelope["next"] = {"href": self._link(url, following), "rel": "collection"}
        last = max(0, (len(rows) - 1) // limit * limit)
        envelope["last"] = {"href": self._link(url, last), "rel": "collection"}
        if limit == _NO_LIMIT:
            del envelope["offset"], envelope["limit"]
        return envelope

    def _link(self, url: str, offset: int) -> str:
        if self._limit == _NO_LIMIT:
            return url
        return f"{url}?{self._other_parameters}limit={self._limit}&offset={offset}"


class RequestHandler:
    """Serves any resource from the store.

    Responses are cached until a row or a setting changes. A full cache takes no new
    responses and evicts none: clients read all lists in turn, time and again, so an evicted
    response would be the next one to be requested.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._cache: dict[tuple[str, bytes, Collection[str]], Response] = {}
        self._cache_bytes = 0
        self._cache_version = 0

    def clear_cache(self) -> None:
        """Drop all cached responses."""
        self._cache.clear()
        self._cache_bytes = 0
        self._cache_version = self._store.version

    def respond(
        self,
        route: Route,
        path: str,
        query_string: bytes,
        hidden: frozenset[str],
    ) -> Response:
        """Respond to a request that the gateway has admitted.

        Args:
            route: Route of the path.
            path: Path without the account id.
            query_string: Query string as sent.
            hidden: Ids of the matters that the caller cannot see.
        """
        is_lagging = self._store.is_lagging()
        if self._cache_version != self._store.version:
            self.clear_cache()
        key = (path, query_string, hidden)
        response = self._cache.get(key)
        if response is None:
            response, depends_on_time = self._respond(route, path, query_string, hidden)
            fits = self._cache_bytes + len(response.body) <= _MAX_CACHE_BYTES
            is_cacheable = route.resource.is_cacheable and not depends_on_time and not is_lagging
            if is_cacheable and fits:
                self._cache[key] = response
                self._cache_bytes += len(response.body) + _BYTES_PER_KEY
        return response

    def list_rows(self, route: Route, query_string: bytes, hidden: frozenset[str]) -> list[Row]:
        """Return all rows that match a query, whatever page it requests."""
        return ListQuery(self._store, self._settings, route, query_string, hidden).rows()

    def _respond(
        self, route: Route, path: str, query_string: bytes, hidden: Collection[str]
    ) -> tuple[Response, bool]:
        """Return the response, and whether it depends on the time of the request."""
        resource = route.resource
        query = None
        if resource.build_tree or (
            route.id is None and resource.response_format is not ResponseFormat.OBJECT
        ):
            query = ListQuery(self._store, self._settings, route, query_string, hidden)
        error = self._check_add_on(route, path) or self._check_parent(route, path, hidden)
        if error is not None:
            return error, False
        if query is None:
            return self._single_record(route, path, hidden), False
        if query.errors:
            return problem_response(400, "The request is not valid.", path, query.errors), False
        url, template = self._store.firm.url + path, f"GET {route.template}"
        if resource.build_tree:
            return self._tree(route, path, query), False
        return self._json_response(query.content(url, template)), query.depends_on_time

    def _json_response(self, content: Any) -> Response:
        if name := self._settings.unknown_property:
            content = add_property(content, name)
        return json_response(content)

    def _tree(self, route: Route, path: str, query: ListQuery) -> Response:
        found = None
        if route.resource.build_tree and route.parent is not None:
            found = route.resource.build_tree(self._store, route.parent, route.id)
        if found is None:
            return problem_response(404, f"No {route.resource.name} found.", path)
        own, element = found
        url = self._store.firm.url + path
        template = f"GET {route.template}"
        if self._settings.folder_offsets == "listings":
            return self._json_response(query.page([element], dict, url, template) | own)
        entries = [(kind, row) for kind in ("folders", "files") for row in element[kind]]
        content = query.page(entries, lambda entry: {"entry": entry}, url, template)
        page = [each["entry"] for each in content["value"]]
        listing = {kind: [row for k, row in page if k == kind] for kind in ("folders", "files")}
        content["value"] = [element | listing] if page else []
        return self._json_response(content | own)

    def _check_add_on(self, route: Route, path: str) -> Response | None:
        if route.resource.add_on is None:
            return None
        firm = self._store.rows(self._store.resources["firm"])[0]
        if route.resource.add_on in firm.data.get("addOnIds", ()):
            return None
        return problem_response(403, "The firm does not subscribe to this add-on.", path)

    def _check_parent(self, route: Route, path: str, hidden: Collection[str]) -> Response | None:
        if route.parent is None or route.resource.parent is None:
            return None
        parent = self._store.resources[route.resource.parent]
        if self._store.find_shown(parent, route.parent, route.grandparent) is None:
            return problem_response(404, f"No {parent.name} with id '{route.parent}'.", path)
        if {route.parent, route.grandparent} & set(hidden):
            return problem_response(403, "The user has no access.", path)
        return None

    def _single_record(self, route: Route, path: str, hidden: Collection[str]) -> Response:
        resource = route.resource
        if route.id is None:
            rows = self._store.shown_rows(resource, route.parent)
            row = rows[0] if rows else None
        else:
            row = self._store.find_shown(resource, route.id, route.parent)
        if row is None:
            return problem_response(404, f"No {resource.name} found.", path)
        if row.id in hidden or _matter_id(row) in hidden:
            return problem_response(403, "The user has no access.", path)
        omitted = [name for name in resource.opt_in_fields if name not in resource.by_id_fields]
        record = self._store.record(resource, row)
        return self._json_response(omit_properties(record, omitted, resource.opt_in_objects))


def omit_properties(data: Data, names: Collection[str], within: Collection[str] = ()) -> Data:
    """Return a record without some properties, in itself and in the objects `within`."""
    if not names:
        return data
    record: dict[str, Any] = data.copy()
    for name in names:
        record.pop(name, None)
    for name in within:
        if name in record:
            record[name] = omit_properties(record[name], names)
    return record


def add_property(content: Any, name: str, path: str = "") -> Any:
    """Return JSON with a property added to every object; its value is its path."""
    if isinstance(content, list):
        return [add_property(each, name, path) for each in content]
    if isinstance(content, dict):
        added = {key: add_property(each, name, f"{path}.{key}") for key, each in content.items()}
        return {**added, name: f"{path}.{name}"}
    return content


def _matter_id(row: Row) -> str | None:
    matter: dict[str, str] = row.data.get("matter") or {}
    return matter.get("id")
