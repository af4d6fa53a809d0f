"""From a route and a query to the response, for every resource alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smokeball_sandbox.list_query import ListQuery, matter_id_of, omit_properties
from smokeball_sandbox.query import Query
from smokeball_sandbox.resources import ResponseFormat
from smokeball_sandbox.responses import Response, json_response, problem_response

if TYPE_CHECKING:
    from collections.abc import Collection

    from smokeball_sandbox.resources import Route, Row
    from smokeball_sandbox.settings import Settings
    from smokeball_sandbox.store import Store

_MAX_CACHE_BYTES = 256_000_000
_BYTES_PER_KEY = 500


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
        error = (
            self._check_add_on(route, path)
            or self._check_parent(route, path, hidden)
            or self._check_tier(route, path, query_string)
        )
        if error is not None:
            return error, False
        if query is None:
            return self._single_record(route, path, Query(query_string), hidden), False
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

    def _check_tier(self, route: Route, path: str, query_string: bytes) -> Response | None:
        if self._settings.answers.leads == "available" or route.template != "/matters":
            return None
        if "leads" not in (Query(query_string).value("Type") or "").lower():
            return None
        return problem_response(403, "The account's tier has no leads.", path)

    def _check_parent(self, route: Route, path: str, hidden: Collection[str]) -> Response | None:
        if route.parent is None or route.resource.parent is None:
            return None
        parent = self._store.resources[route.resource.parent]
        if self._store.find_shown(parent, route.parent, route.grandparent) is None:
            return problem_response(404, f"No {parent.name} with id '{route.parent}'.", path)
        if {route.parent, route.grandparent} & set(hidden):
            return problem_response(403, "The user has no access.", path)
        return None

    def _single_record(
        self, route: Route, path: str, query: Query, hidden: Collection[str]
    ) -> Response:
        resource = route.resource
        if route.id is None:
            rows = self._store.shown_rows(resource, route.parent)
            row = rows[0] if rows else None
        else:
            row = self._store.find_shown(resource, route.id, route.parent)
        if row is None:
            return problem_response(404, f"No {resource.name} found.", path)
        if row.id in hidden or matter_id_of(row) in hidden:
            return problem_response(403, "The user has no access.", path)
        omitted = [name for name in resource.opt_in_fields if name not in resource.by_id_fields]
        record = self._store.record(resource, row)
        if resource.requested_properties:
            requested = resource.requested_properties(self._store, row, query)
            if requested is None:
                return problem_response(404, f"No {resource.name} found.", path)
            record = record | requested
        return self._json_response(omit_properties(record, omitted, resource.opt_in_objects))


def add_property(content: Any, name: str, path: str = "") -> Any:
    """Return JSON with a property added to every object; its value is its path."""
    if isinstance(content, list):
        return [add_property(each, name, path) for each in content]
    if isinstance(content, dict):
        added = {key: add_property(each, name, f"{path}.{key}") for key, each in content.items()}
        return {**added, name: f"{path}.{name}"}
    return content
