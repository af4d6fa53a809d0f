"""From a change of a row to the webhook events that it causes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smokeball_sandbox.deliveries import Event
from smokeball_sandbox.event_payloads import event_payload
from smokeball_sandbox.event_types import (
    GUIDE_TYPES,
    LIVE_TYPES,
    NOOP,
    SYSTEM_ACCOUNT,
    SYSTEM_TYPES,
    event_types,
)
from smokeball_sandbox.value_helpers import guid

if TYPE_CHECKING:
    from smokeball_sandbox.deliveries import Deliveries
    from smokeball_sandbox.resources import Change, Data
    from smokeball_sandbox.settings import Settings
    from smokeball_sandbox.store import Store
    from smokeball_sandbox.subscriptions import Subscription, Subscriptions

_SHORT_DELAY_SECONDS = (0.1, 0.2)
_DEBOUNCE_SECONDS = (7.6, 8.1)
_DEBOUNCED = (".created", ".updated")

# As seen live: a new matter has two titles, 80 ms apart, and one version.
_FIRST_TYPE, _FIRST_TITLE, _TITLE_TICKS = "matter.initialized", "New matter", 800_000


class EventPublisher:
    """Publishes the events of changes to the subscriptions of their types.

    Args:
        store: Rows of the payloads.
        settings: The types that exist.
        subscriptions: Who receives events.
        deliveries: Delivers them.
        account_id: The firm's account, if the sandbox has one.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        subscriptions: Subscriptions,
        deliveries: Deliveries,
        account_id: str | None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._subscriptions = subscriptions
        self._deliveries = deliveries
        self._account_id = account_id
        self._causes = 0

    def types(self) -> tuple[str, ...]:
        """Return the event types that exist."""
        return LIVE_TYPES if self._settings.webhook_types == "live" else GUIDE_TYPES

    def account_id(self) -> str:
        """Return the account of the firm."""
        return self._account_id or guid(self._store.firm.rng("account"))

    def publish(self, change: Change) -> None:
        """Publish the events of a change; they share the id of the request that caused it."""
        subscriptions = self._subscriptions.all()
        if not subscriptions:
            return
        wanted = {name for each in subscriptions for name in each.event_types}
        types = [each for each in event_types(change) if each in wanted and each in self.types()]
        if not types:
            return
        payload = event_payload(self._store, change)
        request_id = self._new_request_id()
        for type_ in types:
            sent, age_ticks = payload, 0
            if type_ == _FIRST_TYPE and self._settings.answers.live_payloads == "seen":
                sent, age_ticks = {**payload, "title": _FIRST_TITLE}, _TITLE_TICKS
            for subscription in subscriptions:
                if type_ in subscription.event_types:
                    self._send(subscription, type_, sent, request_id, "Smokeball", age_ticks)

    def notify(self, subscription: Subscription, request_id: str | None) -> None:
        """Send the event that tests a subscription."""
        request_id = request_id or self._new_request_id()
        self._send(subscription, NOOP, {}, request_id, "API")

    def _new_request_id(self) -> str:
        self._causes += 1
        return guid(self._store.firm.rng("request", self._causes))

    def _send(  # noqa: PLR0913, PLR0917
        self,
        subscription: Subscription,
        type_: str,
        payload: Data,
        request_id: str,
        source: str,
        age_ticks: int = 0,
    ) -> None:
        rng = self._store.firm.rng("event", request_id, type_)
        staff = rng.choice([None, *self._store.firm.staff])
        envelope: dict[str, Any] = {
            "accountId": SYSTEM_ACCOUNT if type_ in SYSTEM_TYPES else self.account_id(),
            "userId": staff and staff.user_id,
            "subscriptionId": subscription.id,
            "type": type_,
            "source": source,
            "payload": payload,
            "timestamp": self._store.now() - age_ticks,
        }
        if staff is None:
            del envelope["userId"]
        is_debounced = type_.endswith(_DEBOUNCED)
        delay = rng.uniform(*(_DEBOUNCE_SECONDS if is_debounced else _SHORT_DELAY_SECONDS))
        event = Event(subscription.id, type_, payload.get("id"), request_id, envelope)
        self._deliveries.add(event, delay)
