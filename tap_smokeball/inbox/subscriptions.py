"""Subscriptions and their keys, as the commands and the receiver use them.

The order of the steps keeps a kill at any moment harmless. Both keys are saved before Smokeball is
sent the new one, and the old key ends ten minutes after the first use of the new one.
"""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from tap_smokeball import dotnet_ticks
from tap_smokeball.errors import InboxError
from tap_smokeball.inbox.append import append_gaps
from tap_smokeball.inbox.engine import InboxDatabase
from tap_smokeball.inbox.events import FIRM_NAME
from tap_smokeball.inbox.tables import KEYS, READERS, SUBSCRIPTIONS
from tap_smokeball.redaction import SECRETS

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

if TYPE_CHECKING:
    from collections.abc import Iterable

OLD_KEY_TICKS = 10 * 60 * dotnet_ticks.PER_SECOND
"""How long an old key stays valid after the first use of the new one."""

_KEY_BYTES = 32


@dataclass(frozen=True)
class StoredSubscription:
    """A subscription with all that the inbox knows of it, except its keys.

    Attributes:
        id: Smokeball's id of the subscription.
        client_id: Client id of the app, which signatures contain.
        event_types: Event types that it is subscribed to.
        url: Address that Smokeball delivers to.
        is_alive: Whether it existed at the last check; None if it was never checked.
        checked: .NET ticks of that check.
        has_key: Whether the inbox holds a key for it.
        is_key_pending: Whether a new key is saved that no delivery has used yet. Smokeball may not
            know it: send it again.
        old_key_ends: .NET ticks at which the old key ends; None if there is none, or the new key
            was not used yet.
    """

    id: str
    client_id: str
    event_types: frozenset[str]
    url: str
    is_alive: bool | None
    checked: int | None
    has_key: bool
    is_key_pending: bool
    old_key_ends: int | None


@dataclass(frozen=True)
class ReaderPosition:
    """How far a reader is: its name, the last row that it acted on, and when it said so."""

    reader: str
    seq: int
    updated: int


class Subscriptions:
    """The subscriptions of all firms in an inbox, and their keys.

    Args:
        url: SQLAlchemy URL of the inbox, which is created if it does not exist.

    Raises:
        InboxError: The inbox cannot be used. So do all methods.
    """

    def __init__(self, url: str) -> None:
        self._database = InboxDatabase(url, is_created=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def find(self, firm: str) -> list[StoredSubscription]:
        """Return a firm's subscriptions."""
        columns = SUBSCRIPTIONS.c
        query = (
            select(
                columns.subscription_id,
                columns.client_id,
                columns.event_types,
                columns.url,
                columns.is_alive,
                columns.checked,
                KEYS.c.key,
                KEYS.c.previous_key,
                KEYS.c.previous_ends,
            )
            .outerjoin_from(
                SUBSCRIPTIONS,
                KEYS,
                (KEYS.c.firm == columns.firm) & (KEYS.c.subscription_id == columns.subscription_id),
            )
            .where(columns.firm == firm)
            .order_by(columns.subscription_id)
        )
        with self._database.read() as connection:
            return [
                StoredSubscription(
                    id=row.subscription_id,
                    client_id=row.client_id,
                    event_types=frozenset(row.event_types),
                    url=row.url,
                    is_alive=row.is_alive,
                    checked=row.checked,
                    has_key=row.key is not None,
                    is_key_pending=row.previous_key is not None and row.previous_ends is None,
                    old_key_ends=row.previous_ends,
                )
                for row in connection.execute(query)
            ]

    def readers(self, firm: str) -> list[ReaderPosition]:
        """Return how far each reader of a firm is."""
        query = select(READERS.c.reader, READERS.c.seq, READERS.c.updated)
        with self._database.read() as connection:
            rows = connection.execute(query.where(READERS.c.firm == firm).order_by("reader"))
            return [ReaderPosition(*row) for row in rows]

    def prepare_key(self, firm: str, subscription_id: str) -> str:
        """Save a new key beside the old one, before Smokeball is sent it; return the new one.

        Until the new key is used, this returns the same one again: it is not known whether an
        interrupted command had sent it. For a subscription whose key the inbox does not have, there
        is no old key.

        Raises:
            InboxError: The old key of the last rotation is still valid.
        """
        _check_firm(firm)
        key = new_key()
        with self._database.write() as (connection, now):
            this = _row_of(KEYS, firm, subscription_id)
            row = connection.execute(select(KEYS).where(*this)).first()
            if row is None:
                values = {"firm": firm, "subscription_id": subscription_id, "key": key}
                connection.execute(KEYS.insert().values(values))
            elif row.previous_key and row.previous_ends is None:
                key = row.key
            elif row.previous_key and row.previous_ends > now:
                raise InboxError(
                    "the last rotation of the key is not complete: its old key is still valid",
                    "Try again in ten minutes",
                )
            else:
                changed = {"key": key, "previous_key": row.key, "previous_ends": None}
                connection.execute(update(KEYS).where(*this).values(changed))
        SECRETS.add(key)
        return key

    def save(  # noqa: PLR0913 - one argument for each column
        self,
        firm: str,
        subscription_id: str,
        *,
        client_id: str,
        event_types: Iterable[str],
        url: str,
        key: str | None = None,
    ) -> None:
        """Save a subscription that Smokeball has created or updated.

        Args:
            firm: Name of the firm.
            subscription_id: Smokeball's id of the subscription.
            client_id: Client id of the app.
            event_types: Event types that it has now.
            url: Address that Smokeball delivers to.
            key: The key with which it was created (see `new_key`). None after an update, for
                which `prepare_key` has saved the key.
        """
        _check_firm(firm)
        types = sorted(event_types)
        values: dict[str, Any] = {
            "firm": firm,
            "subscription_id": subscription_id,
            "client_id": client_id,
            "event_types": types,
            "url": url,
            "is_alive": True,
        }
        this = _row_of(SUBSCRIPTIONS, firm, subscription_id)
        with self._database.write() as (connection, now):
            known = connection.execute(select(SUBSCRIPTIONS).where(*this)).first()
            connection.execute(self._database.upsert(SUBSCRIPTIONS, {**values, "checked": now}))
            if key is not None:
                SECRETS.add(key)
                row: dict[str, Any] = {
                    "firm": firm,
                    "subscription_id": subscription_id,
                    "key": key,
                    "previous_key": None,
                    "previous_ends": None,
                }
                connection.execute(self._database.upsert(KEYS, row))
            if known is None or known.is_alive is False or set(types) - set(known.event_types):
                # Until now, no events of these types came.
                append_gaps(connection, now, [firm], "subscribed")

    def remove(self, firm: str, subscription_id: str) -> None:
        """Forget a subscription and its keys. Its events stay."""
        with self._database.write() as (connection, now):
            found = connection.execute(
                delete(SUBSCRIPTIONS).where(*_row_of(SUBSCRIPTIONS, firm, subscription_id))
            )
            connection.execute(delete(KEYS).where(*_row_of(KEYS, firm, subscription_id)))
            if found.rowcount:
                append_gaps(connection, now, [firm], "unsubscribed")


def new_key() -> str:
    """Return a random key for a new subscription."""
    return secrets.token_urlsafe(_KEY_BYTES)


def _check_firm(firm: str) -> None:
    if not FIRM_NAME.fullmatch(firm):
        raise InboxError(
            "the firm's name is not valid",
            "Pass 1 to 64 letters, digits, dots, hyphens or underscores as --firm",
        )


def _row_of(table: Any, firm: str, subscription_id: str) -> tuple[Any, Any]:
    return table.c.firm == firm, table.c.subscription_id == subscription_id
