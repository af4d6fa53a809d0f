"""Reads the webhook subscriptions of the app, and the event types that exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_smokeball.api.client import Endpoint
from tap_smokeball.errors import UnexpectedResponseError

if TYPE_CHECKING:
    from tap_smokeball.api.client import ApiClient

PATH = "/webhooks"
REQUESTS = "webhooks"
"""The name under which these requests are counted."""

READ_SCOPE = "webhooks/read"
_LIST = Endpoint(PATH, READ_SCOPE, REQUESTS)
_TYPES = Endpoint(f"{PATH}/types", READ_SCOPE, REQUESTS)


@dataclass(frozen=True)
class Subscription:
    """A subscription as the API returns it, which never returns the key.

    Attributes:
        id: Its id.
        name: Its name.
        event_types: The event types that it has.
        url: Where events are posted.
    """

    id: str
    name: str
    event_types: frozenset[str]
    url: str


def list_subscriptions(client: ApiClient) -> list[Subscription]:
    """Return all subscriptions of the app in this firm's account.

    Raises:
        SmokeballError: The request failed.
    """
    return [parse_subscription(row) for row in client.iter_rows(_LIST)]


def list_event_types(client: ApiClient) -> list[str]:
    """Return the event types that exist. They differ from those in the vendor's guide.

    Raises:
        SmokeballError: The request failed.
    """
    return client.get(_TYPES, {}, {}, _parse_types).data


def parse_subscription(row: Any) -> Subscription:
    """Return the subscription in an object of the API.

    Raises:
        UnexpectedResponseError: The object has no id.
    """
    if not isinstance(row, dict) or not row.get("id"):
        raise UnexpectedResponseError("the response has no subscription")
    types = row.get("eventTypes")
    return Subscription(
        id=str(row["id"]),
        name=str(row.get("name") or ""),
        event_types=frozenset(map(str, types if isinstance(types, list) else [])),
        url=str(row.get("eventNotificationUrl") or ""),
    )


def _parse_types(body: Any) -> list[str]:
    types = body.get("value") if isinstance(body, dict) else body
    if not isinstance(types, list) or not all(isinstance(each, str) for each in types):
        raise UnexpectedResponseError("the response has no event types")
    return types
