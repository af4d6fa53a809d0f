"""Brings the subscription at Smokeball and the inbox to the wanted state.

A kill between any two steps loses nothing: the next run finds what there is at Smokeball by its id
or its URL, and sends it a key that is in the inbox already.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.subscription_changes import (
    WRITE_SCOPE,
    create_subscription,
    delete_subscription,
    update_subscription,
)
from tap_smokeball.api.subscriptions import list_subscriptions
from tap_smokeball.errors import (
    AccessDeniedError,
    NotFoundError,
    SmokeballError,
    UnconfirmedChangeError,
)
from tap_smokeball.inbox.subscriptions import new_key

if TYPE_CHECKING:
    from tap_smokeball.api.client import ApiClient
    from tap_smokeball.api.subscriptions import Subscription
    from tap_smokeball.inbox.subscriptions import StoredSubscription, Subscriptions


_LIST_LAG_TICKS = 60 * dotnet_ticks.PER_SECOND
"""How long Smokeball may take to list what it created: its reads lag seconds behind its writes."""


def may_be_unlisted(stored: StoredSubscription) -> bool:
    """Return whether a subscription existed so recently that a list may not show it yet."""
    age_ticks = dotnet_ticks.now() - (stored.checked or 0)
    return stored.is_alive is True and age_ticks < _LIST_LAG_TICKS


@dataclass(frozen=True)
class WantedSubscription:
    """What the subscription of a firm shall be.

    Attributes:
        firm: Name of the firm in the inbox.
        client_id: The app.
        url: Where events are posted.
        event_types: The event types.
        name: Its name at Smokeball.
    """

    firm: str
    client_id: str
    url: str
    event_types: frozenset[str]

    @property
    def name(self) -> str:
        """The name of the subscription at Smokeball."""
        return f"tap-smokeball {self.firm}"


class ManualChangeError(Exception):
    """The app may not change subscriptions: a person must.

    Args:
        id: The subscription to change; None to create one.
        key: The key to enter.
    """

    def __init__(self, id: str | None, key: str) -> None:  # noqa: A002
        super().__init__()
        self.id = id
        self.key = key


class Subscriber:
    """Creates or updates the one subscription of a firm.

    Args:
        client: The API.
        inbox: The subscriptions in the inbox.
        wanted: What the subscription shall be.
    """

    def __init__(self, client: ApiClient, inbox: Subscriptions, wanted: WantedSubscription) -> None:
        self._client = client
        self._inbox = inbox
        self._wanted = wanted

    def subscribe(self, *, should_rotate_key: bool) -> str:
        """Create or update the subscription; return what was done, as a sentence.

        Subscriptions with another URL are left alone, unless the inbox knows them as the firm's.

        Raises:
            ManualChangeError: The app may list subscriptions, but not change them.
            SmokeballError: A request failed, or the inbox cannot be used.
        """
        existing = list_subscriptions(self._client)
        stored = {
            each.id: each
            for each in self._inbox.find(self._wanted.firm)
            if each.client_id == self._wanted.client_id
        }
        own = self._find_own(existing, stored)
        if not own:
            if any(map(may_be_unlisted, stored.values())):
                raise SmokeballError(
                    "the firm's subscription existed a minute ago, and Smokeball does not list it",
                    "Run subscribe again in a minute",
                )
            done, own = self._create(existing)
        elif should_rotate_key or not self._is_up_to_date(own[0], stored.get(own[0].id)):
            self._update(own[0])
            done = f"Updated the subscription {own[0].id}"
        else:
            self._save(own[0].id)
            done = f"The subscription {own[0].id} is up to date"
        for each in own[1:]:
            self._delete(each.id)
            done += f". Deleted the firm's second subscription {each.id}"
        for id_ in stored.keys() - {each.id for each in existing}:
            self._inbox.remove(self._wanted.firm, id_)
            done += f". Forgot the subscription {id_}, which no longer exists"
        return f"{done}."

    def _find_own(
        self, existing: list[Subscription], stored: dict[str, StoredSubscription]
    ) -> list[Subscription]:
        """Return the firm's subscriptions, the one to keep first."""
        own = [each for each in existing if each.id in stored or each.url == self._wanted.url]

        def rank(subscription: Subscription) -> tuple[bool, str]:
            known = stored.get(subscription.id)
            return known is None or not known.has_key, subscription.id

        return sorted(own, key=rank)

    def _is_up_to_date(self, found: Subscription, stored: StoredSubscription | None) -> bool:
        wanted = self._wanted
        return (
            stored is not None
            and stored.has_key
            and not stored.is_key_pending
            and (found.name, found.url, found.event_types)
            == (wanted.name, wanted.url, wanted.event_types)
        )

    def _create(self, existing: list[Subscription]) -> tuple[str, list[Subscription]]:
        wanted, key = self._wanted, new_key()
        try:
            created = create_subscription(
                self._client,
                name=wanted.name,
                event_types=wanted.event_types,
                url=wanted.url,
                key=key,
            )
        except AccessDeniedError:
            raise ManualChangeError(None, key) from None
        except UnconfirmedChangeError as error:
            known = {each.id for each in existing}
            found = list_subscriptions(self._client)
            new = [each for each in found if each.id not in known and each.url == wanted.url]
            if not new:
                error.advice = "Run subscribe again in a minute: it finds what was created"
                raise
            self._update(new[0])
            return f"Created the subscription {new[0].id}", new
        self._inbox.save(
            wanted.firm,
            created.id,
            client_id=wanted.client_id,
            event_types=wanted.event_types,
            url=wanted.url,
            key=key,
        )
        return f"Created the subscription {created.id}", [created]

    def _update(self, found: Subscription) -> None:
        wanted = self._wanted
        # The key is sent each time: whether PUT without one keeps the old key is not documented.
        key = self._inbox.prepare_key(wanted.firm, found.id)
        try:
            update_subscription(
                self._client,
                found.id,
                name=wanted.name,
                event_types=wanted.event_types,
                url=wanted.url,
                key=key,
            )
        except AccessDeniedError:
            self._save(found.id)
            raise ManualChangeError(found.id, key) from None
        self._save(found.id)

    def _save(self, id_: str) -> None:
        wanted = self._wanted
        self._inbox.save(
            wanted.firm,
            id_,
            client_id=wanted.client_id,
            event_types=wanted.event_types,
            url=wanted.url,
        )

    def _delete(self, id_: str) -> None:
        # It may be gone: an earlier attempt deleted it, although no response came.
        with suppress(NotFoundError):
            try:
                delete_subscription(self._client, id_)
            except AccessDeniedError:
                raise SmokeballError(
                    f"403: the app lacks the scope {WRITE_SCOPE}, and the firm has a second "
                    f"subscription, {id_}, so that events come twice",
                    "Grant the scope and sign in again, or delete it by hand",
                ) from None
        self._inbox.remove(self._wanted.firm, id_)
