"""Requests and responses: authorization, routes, filters, lists and faults."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from tests.tenant import faults, ticks
from tests.tenant.paging import page
from tests.tenant.rendering import Renderer
from tests.tenant.resources import RESOURCES
from tests.tenant.world import View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.tenant.faults import Fault
    from tests.tenant.resources import Resource
    from tests.tenant.world import Row, World

Json = dict[str, Any]

CREDENTIALS = {"api_key": "tenant-key", "client_id": "tenant-app", "client_secret": "tenant-pass"}
OK, NO_CONTENT, BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 200, 204, 400, 401, 403, 404
MAX_LIMIT = 500


class Reply(NamedTuple):
    """What the client gets.

    Attributes:
        status: HTTP status; 0 if the connection breaks before a response.
        headers: Headers.
        body: The body, as far as it comes.
        promised_bytes: Value of ``Content-Length``.
        wait_seconds: How long the client waits for it.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    promised_bytes: int
    wait_seconds: float = 0.0


class RequestError(Exception):
    """A request that has an error as its response."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Tenant:
    """The API of one firm.

    Args:
        world: The firm.
        url: Address under which clients reach it.

    Attributes:
        faults: Faults of the requests until the next `start_run`.
        refusals: Kind of fault by id of a parent and name of a resource (empty: all of them).
        before_request: Called with the number of a request before it is handled.
        request_seconds: Time that passes with each request.
        date_error_seconds: How far the ``Date`` headers are off.
        hang_seconds: How long a request that hangs takes.
    """

    def __init__(self, world: World, url: str) -> None:
        self.world = world
        self.url = url
        self.faults: list[Fault] = []
        self.refusals: dict[tuple[str, str], str] = {}
        self.before_request: Callable[[int], None] = lambda _: None
        self.request_seconds = 0.0
        self.date_error_seconds = 0
        self.hang_seconds = 0.0
        self._renderer = Renderer(world, url)
        self._lock = threading.Lock()
        self._tokens = 0
        self._requests: Counter[str] = Counter()

    def start_run(self) -> None:
        """Count requests from 0 again, and forget the faults of the run before."""
        with self._lock:
            self._requests.clear()
            self.faults = []
            self.date_error_seconds = 0
            self.before_request = lambda _: None

    def handle(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the response to a request."""
        with self._lock:
            parts = urlsplit(url)
            if method == "POST" and parts.path == "/oauth2/token":
                return self._token(parse_qs(body.decode()))
            given = {name.lower(): value for name, value in headers.items()}
            return self._get(unquote(parts.path), parts.query, given)

    def _token(self, form: dict[str, list[str]]) -> Reply:
        if form.get("client_id") not in (None, [CREDENTIALS["client_id"]]):
            return self._reply(BAD_REQUEST, {"error": "invalid_client"})
        self._tokens += 1
        token = {"access_token": self._current_token, "expires_in": 3600, "token_type": "Bearer"}
        return self._reply(OK, token)

    @property
    def _current_token(self) -> str:
        return f"tenant-token-{self._tokens}"

    def _get(self, path: str, query: str, headers: Mapping[str, str]) -> Reply:
        found = _route(path)
        name = found[0].name if found else ""
        total = self._requests.total()
        self.before_request(total)
        fault = self._fault(name, total)
        if found and not fault.kind:
            parent = found[1]
            kind = self.refusals.get((parent, name)) or self.refusals.get((parent, ""))
            fault = faults.Fault(kind, name, 0, 1) if parent and kind else fault
        self._requests[name] += 1
        reply = self._broken(fault.kind)
        if reply is None:
            try:
                resource, parent, inner = self._authorize(headers, found)
                reply = self._respond(resource, parent, inner, _parameters(query), fault.kind)
            except RequestError as error:
                reply = self._error(error.status)
        self.world.advance(self.request_seconds)
        return reply

    def _fault(self, name: str, total: int) -> Fault:
        number = self._requests[name]
        none = faults.Fault("", "", 0, 0)
        return next((f for f in self.faults if f.hits(name, number, total)), none)

    def _broken(self, kind: str) -> Reply | None:
        """Return the response of a fault that no data is needed for."""
        if kind in faults.STATUSES:
            if int(kind) == UNAUTHORIZED:
                self._tokens += 1
            return self._error(int(kind))
        if kind in faults.BODIES:
            content_type, body = faults.BODIES[kind]
            headers = {**self._headers(kind), "Content-Type": content_type}
            return Reply(OK, headers, body, len(body))
        if kind == "reset":
            return Reply(0, {}, b"", 0)
        return None

    def _authorize(
        self, headers: Mapping[str, str], found: tuple[Resource, str, str] | None
    ) -> tuple[Resource, str, str]:
        if headers.get("x-api-key") != CREDENTIALS["api_key"]:
            raise RequestError(FORBIDDEN)
        if headers.get("authorization") != f"Bearer {self._current_token}":
            raise RequestError(UNAUTHORIZED)
        if found is None:  # an unknown path is forbidden, not missing
            raise RequestError(FORBIDDEN)
        return found

    def _respond(
        self, resource: Resource, parent: str, inner: str, query: dict[str, list[str]], fault: str
    ) -> Reply:
        rows = self._rows(resource, parent, query)
        if resource.envelope == "object":
            if not rows:
                raise RequestError(NOT_FOUND)
            return self._reply(OK, self._renderer.row(resource, rows[0]), fault)
        is_empty = resource.envelope == "page" and not rows and parent
        if is_empty and self.world.options.empty_status == NO_CONTENT:
            return Reply(NO_CONTENT, self._headers(fault), b"", 0)
        listed = [self._renderer.row(resource, row) for row in rows]
        if resource.envelope == "folders":
            return self._reply(OK, self._folders(rows, listed, inner, query, fault), fault)
        whole: dict[str, Any] = {
            "array": listed,
            "value": {"value": listed},
            "layouts": {self.world.options.layout_list: listed},
            "roles": {"matterId": parent, "versionId": "v", "roles": listed},
        }
        if resource.envelope in whole:
            return self._reply(OK, whole[resource.envelope], fault)
        offset, largest = 0, max(len(listed), 1)
        if resource.envelope == "page" or self.world.options.honours_paging:
            offset, largest = self._offset_and_largest(query)
        url = self.url + resource.path.format(parent)
        return self._reply(OK, page(listed, url, offset, largest, self.world.options, fault), fault)

    def _offset_and_largest(self, query: dict[str, list[str]]) -> tuple[int, int]:
        offset = int(query.get("offset", ["0"])[-1])
        limit = int(query.get("limit", [str(MAX_LIMIT)])[-1])
        if offset < 0 or not 1 <= limit <= MAX_LIMIT:
            raise RequestError(BAD_REQUEST)
        return offset, min(limit, self.world.options.largest_page or MAX_LIMIT)

    def _rows(self, resource: Resource, parent: str, query: dict[str, list[str]]) -> list[Row]:
        world = self.world
        if resource.parent:
            owner = world.rows[resource.parent].get(parent)
            if owner is None or not world.is_visible(RESOURCES[resource.parent], owner):
                raise RequestError(world.options.hidden_status)
        view = _view(query) if resource.name == "matters" else None
        since = _since(resource, query)
        rows = [
            row
            for row in world.rows[resource.name].values()
            if row.parent == parent
            and world.is_visible(resource, row, view)
            and (since is None or self._is_after(row, since))
        ]
        if resource.name == "events" and not query.get("from"):
            rows = []  # the events of this firm are past ones
        order = world.options.order
        sort = query.get("sort", [""])[-1].lower()
        if sort and world.options.is_sort_obeyed:
            field = sort[sort.find("(") + 1 : -1]
            if field not in resource.sorts:
                raise RequestError(BAD_REQUEST)
            order = "oldest" if field == "lastupdated" else "created"
        keys: dict[str, Callable[[Row], Any]] = {
            "created": lambda row: row.created,
            "key": lambda row: row.id,
            "oldest": lambda row: (row.changed, row.created),
            "newest": lambda row: (-row.changed, row.created),
        }
        return sorted(rows, key=keys[order])

    def _is_after(self, row: Row, since: int) -> bool:
        options = self.world.options
        if row.is_deleted and options.deleted == "unfiltered":
            return False
        changed = row.changed
        if options.is_filter_whole_seconds:
            changed, since = changed // ticks.SECOND, since // ticks.SECOND
        return changed >= since if options.is_filter_inclusive else changed > since

    def _folders(
        self, rows: list[Row], listed: list[Json], inner: str, query: dict[str, list[str]],
        fault: str,
    ) -> Json:  # fmt: skip
        """Return the listing of one folder; every other folder is in the one before it."""
        before = dict(zip([row.id for row in rows[1:]], [row.id for row in rows], strict=False))
        inside = {row.id: before.get(row.id, "") if row.created % 2 else "" for row in rows}
        if inner and inner not in inside:
            raise RequestError(NOT_FOUND)
        entries = [each for each in listed if inside[each["id"]] == inner]
        entries.append({"id": f"file-in-{inner or 'root'}", "name": "File"})
        options = self.world.options
        offset, largest = self._offset_and_largest(query)
        if options.folder_paging == "listings" and offset:
            entries = []
        if options.folder_paging != "entries":
            offset, largest = 0, MAX_LIMIT
        url = self.url + RESOURCES["folders"].path
        envelope = page(entries, url, offset, largest, options, fault)
        found = envelope["value"]
        folders = [each for each in found if each["id"] in inside]
        files = [each for each in found if each["id"] not in inside]
        envelope["value"] = [{"folders": folders, "files": files}] if found else []
        return envelope

    def _reply(self, status: int, body: Any, fault: str = "") -> Reply:
        content = json.dumps(body).encode()
        headers = {**self._headers(fault), "Content-Type": faults.JSON}
        wait = self.hang_seconds if fault == "hang" else 0.0
        if fault == "truncated":
            return Reply(status, headers, content[: len(content) // 2], len(content), wait)
        return Reply(status, headers, content, len(content), wait)

    def _error(self, status: int) -> Reply:
        content_type, body = faults.error_body(status, self.world.options)
        headers = {**self._headers(""), "Content-Type": content_type}
        if self.world.options.has_retry_after and status in {429, 502, 503}:
            headers["Retry-After"] = "0"
        return Reply(status, headers, body, len(body))

    def _headers(self, fault: str) -> dict[str, str]:
        error_seconds = self.date_error_seconds
        if fault == "date_absent":
            return {}
        if fault in {"date_ahead", "date_behind"}:
            error_seconds = 3600 if fault == "date_ahead" else -3600
        return {"Date": ticks.to_http_date(self.world.clock + error_seconds * ticks.SECOND)}


def _route(path: str) -> tuple[Resource, str, str] | None:
    """Return the resource, the id of the parent and that of a folder; None if there is none."""
    parts = path.strip("/").split("/")
    for resource in RESOURCES.values():
        template = resource.path.strip("/").split("/")
        is_folder = resource.envelope == "folders" and len(parts) == len(template) + 1
        given = parts[:-1] if is_folder else parts
        if len(given) == len(template) and all(
            wanted in {"{}", part} for wanted, part in zip(template, given, strict=True)
        ):
            parent = given[template.index("{}")] if "{}" in template else ""
            return resource, parent, parts[-1] if is_folder else ""
    return None


def _parameters(query: str) -> dict[str, list[str]]:
    """Return the parameters by name in lower case: the API ignores the case."""
    found: dict[str, list[str]] = {}
    for name, values in parse_qs(query).items():
        found.setdefault(name.lower(), []).extend(values)
    return found


def _since(resource: Resource, query: dict[str, list[str]]) -> int | None:
    given = [name for name in resource.filters if name.lower() in query]
    if len(given) > 1:
        raise RequestError(BAD_REQUEST)
    try:
        for name in given:
            return ticks.parse_filter(query[name.lower()][-1], resource.filters[name])
    except ticks.FilterError:
        raise RequestError(BAD_REQUEST) from None
    return None


def _view(query: dict[str, list[str]]) -> View:
    kinds = {kind for text in query.get("type", ["Matters"]) for kind in text.split(",")}
    return View("Matters" in kinds, "Leads" in kinds, tuple(query.get("status", ())))
