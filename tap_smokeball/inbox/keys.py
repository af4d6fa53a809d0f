"""Keys of the subscriptions, as the receiver checks signatures with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from tap_smokeball.inbox.subscriptions import OLD_KEY_TICKS
from tap_smokeball.inbox.tables import KEYS, SUBSCRIPTIONS

if TYPE_CHECKING:
    from tap_smokeball.inbox.engine import InboxDatabase


@dataclass(frozen=True)
class SigningKey:
    """A key that may sign a subscription's deliveries.

    Attributes:
        subscription_id: Smokeball's id of the subscription.
        client_id: Client id of the app, which signatures contain.
        key: The key.
        ends: .NET ticks at which it ends, if it is an old key and the new one is in use.
        is_rotating: Whether the first use of this key ends an older one.
    """

    subscription_id: str
    client_id: str
    key: str
    ends: int | None
    is_rotating: bool


def load_keys(database: InboxDatabase) -> dict[str, list[SigningKey]]:
    """Return the keys of each firm that has a subscription.

    Raises:
        InboxError: The database fails.
    """
    query = select(
        KEYS.c.firm,
        KEYS.c.subscription_id,
        SUBSCRIPTIONS.c.client_id,
        KEYS.c.key,
        KEYS.c.previous_key,
        KEYS.c.previous_ends,
    ).join_from(
        KEYS,
        SUBSCRIPTIONS,
        (KEYS.c.firm == SUBSCRIPTIONS.c.firm)
        & (KEYS.c.subscription_id == SUBSCRIPTIONS.c.subscription_id),
    )
    found: dict[str, list[SigningKey]] = {}
    with database.read() as connection:
        for row in connection.execute(query):
            is_rotating = row.previous_key is not None and row.previous_ends is None
            identity = row.subscription_id, row.client_id
            keys = found.setdefault(row.firm, [])
            keys.append(SigningKey(*identity, row.key, ends=None, is_rotating=is_rotating))
            if row.previous_key is not None:
                keys.append(
                    SigningKey(*identity, row.previous_key, row.previous_ends, is_rotating=False)
                )
    return found


def record_first_use(database: InboxDatabase, firm: str, key: SigningKey) -> None:
    """Record that a new key is in use: the old one ends ten minutes from now.

    Raises:
        InboxError: The database fails.
    """
    is_this = (
        KEYS.c.firm == firm,
        KEYS.c.subscription_id == key.subscription_id,
        KEYS.c.key == key.key,
        KEYS.c.previous_ends.is_(None),
    )
    with database.write() as (connection, now):
        ends = {"previous_ends": now + OLD_KEY_TICKS}
        connection.execute(update(KEYS).where(*is_this).values(ends))
