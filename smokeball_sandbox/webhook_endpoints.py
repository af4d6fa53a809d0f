"""The API's endpoints of webhook subscriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from smokeball_sandbox.query import MAX_LIMIT, MAX_OFFSET, Query
from smokeball_sandbox.responses import Response, json_response, problem_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from smokeball_sandbox.auth import Token
    from smokeball_sandbox.event_publisher import EventPublisher
    from smokeball_sandbox.resources import Data
    from smokeball_sandbox.store import Store
    from smokeball_sandbox.subscriptions import Subscription, Subscriptions

_PATH = "/webhooks"
_TYPES, _BY_ID, _NOTIFY = f"{_PATH}/types", f"{_PATH}/{{id}}", f"{_PATH}/{{id}}/notify"
_READ, _WRITE = "webhooks/read", "webhooks/write"
SCOPES = {_READ, _WRITE}
_SCOPES = {
    f"GET {_PATH}": _READ,
    f"POST {_PATH}": _WRITE,
    f"GET {_TYPES}": _READ,
    f"GET {_BY_ID}": _READ,
    f"PUT {_BY_ID}": _WRITE,
    f"DELETE {_BY_ID}": _WRITE,
    f"POST {_NOTIFY}": _WRITE,
}
_JSON = re.compile(rb"application/(json|[\w.-]+\+json)")
TEMPLATES = frozenset(_SCOPES)
"""Method and path template of each endpoint."""


class WebhookRoute(NamedTuple):
    """A recognized method and path: template of the path, scope, and the id in it."""

    name: str
    template: str
    scope: str
    id: str | None


class WebhookRequest(NamedTuple):
    """A request to one of the endpoints."""

    route: WebhookRoute
    path: str
    token: Token
    query_string: bytes
    headers: dict[bytes, bytes]
    body: bytes


class SubscriptionBody(msgspec.Struct, rename="camel", kw_only=True):
    """The body of POST and PUT; unknown properties are ignored."""

    key: str | None = None
    name: str | None = None
    event_types: tuple[str, ...] | None = None
    event_notification_url: str | None = None


def find_webhook_route(method: str, path: str) -> WebhookRoute | None:
    """Return the route of a method and path, or None."""
    if not path.startswith(_PATH):
        return None
    parts = path.split("/")[2:]
    id_ = None
    if parts and parts != ["types"]:
        id_, parts[0] = parts[0], "{id}"
    template = "/".join([_PATH, *parts])
    name = f"{method} {template}"
    return WebhookRoute(name, template, _SCOPES[name], id_) if name in _SCOPES else None


class WebhookEndpoints:
    """Lists and changes the subscriptions of a client."""

    def __init__(
        self, store: Store, subscriptions: Subscriptions, publisher: EventPublisher
    ) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._publisher = publisher
        self._handlers: dict[str, Callable[[WebhookRequest], Response]] = {
            f"GET {_PATH}": self._list,
            f"POST {_PATH}": self._create,
            f"GET {_TYPES}": self._types,
            f"GET {_BY_ID}": self._read,
            f"PUT {_BY_ID}": self._update,
            f"DELETE {_BY_ID}": self._delete,
            f"POST {_NOTIFY}": self._notify,
        }

    def respond(self, request: WebhookRequest) -> Response:
        """Respond to a request that the gateway has admitted."""
        return self._handlers[request.route.name](request)

    def _record(self, subscription: Subscription) -> Data:
        return subscription.record(self._store.firm.url, self._publisher.account_id())

    def _list(self, request: WebhookRequest) -> Response:
        query = Query(request.query_string)
        offset = query.integer("Offset", 0, MAX_OFFSET, 0)
        limit = query.integer("Limit", 1, MAX_LIMIT, MAX_LIMIT)
        if query.errors:
            return problem_response(400, "The request is not valid.", request.path, query.errors)
        client = request.token.client_id
        own = [each for each in self._subscriptions.all() if each.client_id == client]
        return json_response(
            {
                "id": "webhooks",
                "href": self._store.firm.url + _PATH,
                "value": [self._record(each) for each in own[offset : offset + limit]],
                "offset": offset,
                "limit": limit,
                "size": len(own),
            }
        )

    def _types(self, _: WebhookRequest) -> Response:
        return json_response({"value": self._publisher.types()})

    def _find(self, request: WebhookRequest) -> Subscription | Response:
        """Return the subscription of the path, or the error response."""
        subscription = self._subscriptions.find(request.route.id or "")
        if subscription is None:
            return problem_response(404, "No subscription found.", request.path)
        if subscription.client_id != request.token.client_id:
            return problem_response(403, "The subscription is of another client.", request.path)
        return subscription

    def _parse(self, request: WebhookRequest) -> SubscriptionBody | Response:
        """Return the body, or the error response."""
        content_type = request.headers.get(b"content-type", b"").split(b";")[0].strip()
        if not _JSON.fullmatch(content_type):
            return problem_response(415, "The body is not JSON.", request.path)
        try:
            body = msgspec.json.decode(request.body, type=SubscriptionBody)
        except msgspec.DecodeError as error:
            return problem_response(400, str(error), request.path)
        unknown = set(body.event_types or ()) - set(self._publisher.types())
        if unknown:
            return problem_response(400, "An event type is unknown.", request.path)
        return body

    def _create(self, request: WebhookRequest) -> Response:
        body = self._parse(request)
        if isinstance(body, Response):
            return body
        if not body.event_notification_url or not body.event_types:
            return problem_response(400, "A URL and event types are required.", request.path)
        token = request.token
        created = self._subscriptions.add(
            token.client_id,
            token.consent,
            name=body.name,
            event_types=body.event_types,
            url=body.event_notification_url,
            key=body.key,
        )
        # The vendor's guide shows the key in this response, and only in this one.
        return json_response({**self._record(created), "key": created.key})

    def _read(self, request: WebhookRequest) -> Response:
        found = self._find(request)
        return found if isinstance(found, Response) else json_response(self._record(found))

    def _update(self, request: WebhookRequest) -> Response:
        found, body = self._find(request), self._parse(request)
        if isinstance(found, Response):
            return found
        if isinstance(body, Response):
            return body
        changes = {
            "name": body.name,
            "event_types": body.event_types,
            "url": body.event_notification_url,
            "key": body.key,
        }
        sent = {name: value for name, value in changes.items() if value is not None}
        return json_response(self._record(self._subscriptions.update(found.id, **sent)))

    def _delete(self, request: WebhookRequest) -> Response:
        found = self._find(request)
        if isinstance(found, Response):
            return found
        self._subscriptions.remove(found.id)
        return Response(200, b"")

    def _notify(self, request: WebhookRequest) -> Response:
        found = self._find(request)
        if isinstance(found, Response):
            return found
        request_id = request.headers.get(b"requestid")
        self._publisher.notify(found, request_id.decode("latin-1") if request_id else None)
        return Response(200, b"")
