"""Changes webhook subscriptions: the only requests that write, and only the commands send them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tap_smokeball.api.changes import Change
from tap_smokeball.api.client import Endpoint
from tap_smokeball.api.subscriptions import PATH, REQUESTS, Subscription, parse_subscription

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_smokeball.api.client import ApiClient

WRITE_SCOPE = "webhooks/write"
_LIST = Endpoint(PATH, WRITE_SCOPE, REQUESTS)
_ONE = Endpoint(f"{PATH}/{{id}}", WRITE_SCOPE, REQUESTS)
_NOTIFY = Endpoint(f"{PATH}/{{id}}/notify", WRITE_SCOPE, REQUESTS)


def create_subscription(
    client: ApiClient, *, name: str, event_types: Iterable[str], url: str, key: str
) -> Subscription:
    """Create a subscription. The request is not repeated: it could create a second one.

    Raises:
        UnconfirmedChangeError: It may exist now, or not: list the subscriptions.
        SmokeballError: The request failed.
    """
    content = _content(name, event_types, url, key)
    change = Change("POST", content, is_repeatable=False, returns_data=True)
    return client.change(change, _LIST, {}, parse_subscription)


def update_subscription(  # noqa: PLR0913 - the properties of a subscription
    client: ApiClient, id_: str, *, name: str, event_types: Iterable[str], url: str, key: str
) -> None:
    """Replace all properties of a subscription.

    Raises:
        NotFoundError: It does not exist.
        SmokeballError: The request failed.
    """
    content = _content(name, event_types, url, key)
    client.change(Change("PUT", content), _ONE, {"id": id_}, _ignore_body)


def delete_subscription(client: ApiClient, id_: str) -> None:
    """Delete a subscription.

    Raises:
        NotFoundError: It does not exist, which may be the result of an earlier attempt.
        SmokeballError: The request failed.
    """
    client.change(Change("DELETE"), _ONE, {"id": id_}, _ignore_body)


def request_notification(client: ApiClient, id_: str) -> None:
    """Let Smokeball send an event of type ``noop`` to a subscription.

    Raises:
        NotFoundError: It does not exist.
        SmokeballError: The request failed.
    """
    client.change(Change("POST"), _NOTIFY, {"id": id_}, _ignore_body)


def _ignore_body(_: Any) -> None:
    """Accept any body."""


def _content(name: str, event_types: Iterable[str], url: str, key: str) -> str:
    return json.dumps(
        {
            "name": name,
            "eventTypes": sorted(event_types),
            "eventNotificationUrl": url,
            "key": key,
        }
    )
