"""The webhook subscriptions of the firm."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from smokeball_sandbox.clock import iso
from smokeball_sandbox.value_helpers import guid

if TYPE_CHECKING:
    from smokeball_sandbox.auth import AuthorizationServer
    from smokeball_sandbox.clock import Clock


@dataclass(frozen=True)
class Subscription:
    """One subscription.

    Attributes:
        id: Its id.
        client_id: The client that created it, and that its signatures name.
        consent: The consent with which it ends; None for client credentials.
        name: Its name.
        event_types: The types that it receives.
        url: Where events are posted.
        key: The key of the signatures; None or empty: events are not signed.
        created: Ticks of its creation.
        updated: Ticks of its last update.
    """

    id: str
    client_id: str
    consent: str | None
    name: str | None
    event_types: tuple[str, ...]
    url: str
    key: str | None
    created: int
    updated: int

    def record(self, firm_url: str, account_id: str) -> dict[str, Any]:
        """Return the subscription as the API does, which never returns the key."""
        href = f"{firm_url}/webhooks/{self.id}"
        return {
            "id": self.id,
            "href": href,
            "rel": "Webhooks",
            "self": {"id": self.id, "href": href},
            "accountId": account_id,
            "name": self.name,
            "eventTypes": list(self.event_types),
            "eventNotificationUrl": self.url,
            "createdDateUtc": iso(self.created, fraction=True),
            "updatedDateUtc": iso(self.updated, fraction=True),
            "lastUpdated": self.updated,
        }


class Subscriptions:
    """All subscriptions, without those whose consent has ended."""

    def __init__(self, clock: Clock, authorization: AuthorizationServer) -> None:
        self._clock = clock
        self._authorization = authorization
        self._by_id: dict[str, Subscription] = {}

    def clear(self) -> None:
        """Remove all subscriptions."""
        self._by_id = {}

    def all(self) -> list[Subscription]:
        """Return all subscriptions, oldest first; those whose consent ended are removed."""
        for each in list(self._by_id.values()):
            if each.consent is not None and not self._authorization.is_in_force(each.consent):
                self.remove(each.id)
        return list(self._by_id.values())

    def find(self, id_: str) -> Subscription | None:
        """Return the subscription with this id."""
        return next((each for each in self.all() if each.id == id_), None)

    def add(  # noqa: PLR0913
        self,
        client_id: str,
        consent: str | None,
        *,
        name: str | None,
        event_types: tuple[str, ...],
        url: str,
        key: str | None,
    ) -> Subscription:
        """Add a subscription."""
        id_, now = guid(secrets.SystemRandom()), self._clock.ticks()
        self._by_id[id_] = added = Subscription(
            id_, client_id, consent, name, event_types, url, key, now, now
        )
        return added

    def update(self, id_: str, **changes: Any) -> Subscription:
        """Change some properties of a subscription."""
        updated = replace(self._by_id[id_], **changes, updated=self._clock.ticks())
        self._by_id[id_] = updated
        return updated

    def remove(self, id_: str) -> None:
        """Remove a subscription."""
        self._by_id.pop(id_, None)
