"""Whether the firm's webhook subscription exists: only then does silence mean that nothing changed.

Smokeball removes a subscription with the refresh token that made it. So the tap asks for the list
once an hour. The time of that check is in the inbox, where several readers and the command
``status`` share it. It counts only for a subscription that the state knows: an inbox of another
firm cannot pass for this one's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.subscriptions import list_subscriptions
from tap_smokeball.errors import SmokeballError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from tap_smokeball.api.subscriptions import Subscription as ListedSubscription
    from tap_smokeball.inbox.events import Subscription
    from tap_smokeball.inbox.reader import InboxReader
    from tap_smokeball.session import Session

CHECK_EVERY_TICKS = 60 * 60 * dotnet_ticks.PER_SECOND

STATE_KEY = "webhooks"
"""Key of the state: a random name of this reader, and the subscriptions that it has seen."""


@dataclass(frozen=True)
class SubscriptionStatus:
    """Whether the subscription exists.

    Attributes:
        is_alive: Whether it does; None if that is not known.
        event_types: The event types that it has, if it exists.
        text: The same for people.
    """

    is_alive: bool | None
    event_types: frozenset[str]
    text: str


UNKNOWN = SubscriptionStatus(None, frozenset(), "unknown")


def check_subscription(
    reader: InboxReader, session: Session, entry: MutableMapping[str, Any]
) -> SubscriptionStatus:
    """Return whether the firm's subscription exists; at most one request, and one an hour.

    Args:
        reader: The inbox.
        session: API client and worker pool.
        entry: What the state holds of webhooks; takes the ids of the subscriptions that this
            firm's login has seen.

    Raises:
        InboxError: The inbox cannot be used.
    """
    known = reader.subscriptions()
    if not known:
        return _dead("none in the inbox")
    now, ids = reader.now(), [each.id for each in known]
    confirmed = entry.get("subscriptions") or []
    is_recent = all(_is_recent(each, now) for each in known)
    if is_recent and set(ids) <= set(confirmed):
        return _status(known)
    try:
        listed = {each.id: each for each in _list(session)}
    except SmokeballError as error:
        if not is_recent or error.is_shared:
            return SubscriptionStatus(None, frozenset(), f"unknown: {error.summary}")
        entry["subscriptions"] = ids
        return _status(known)
    if listed.keys().isdisjoint(ids) and not set(confirmed).intersection(ids):
        # It may be the inbox of another firm, whose readers a record would disturb.
        return _dead("not found at Smokeball; check webhook_firm")
    for each in known:
        found = listed.get(each.id)
        reader.record_subscription_check(
            each.id,
            is_alive=found is not None,
            event_types=(found and found.event_types) or None,
        )
    entry["subscriptions"] = ids
    return _status(reader.subscriptions())


def _is_recent(subscription: Subscription, now: int) -> bool:
    checked = subscription.checked
    return checked is not None and 0 <= now - checked < CHECK_EVERY_TICKS


def _dead(text: str) -> SubscriptionStatus:
    return SubscriptionStatus(is_alive=False, event_types=frozenset(), text=text)


def _status(known: list[Subscription]) -> SubscriptionStatus:
    alive = [each for each in known if each.is_alive]
    types = frozenset(one for each in alive for one in each.event_types)
    return SubscriptionStatus(bool(alive), types, "alive" if alive else "not found at Smokeball")


def _list(session: Session) -> list[ListedSubscription]:
    def read() -> list[ListedSubscription]:
        with session.client.transport.fewer_retries():
            return list_subscriptions(session.client)

    return session.pool.run_in_worker(read)
