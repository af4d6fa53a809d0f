"""Appends deliveries and gaps to the log: many in one transaction."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.events import GAP, GAP_REASONS
from tap_smokeball.inbox.tables import EVENTS, SIGNATURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from tap_smokeball.inbox.engine import InboxDatabase
    from tap_smokeball.inbox.events import Event

SIGNATURE_TICKS = 11 * 60 * dotnet_ticks.PER_SECOND
"""How long a signature is remembered: longer than its timestamp is valid, which is five minutes
before and after it."""

_MARK_BITS = 63


@dataclass(frozen=True)
class Delivery:
    """An event with a valid signature.

    Attributes:
        firm: Name of the firm.
        subscription_id: The subscription whose key signed it.
        event: What is kept of it.
        signature_digest: Hash of the signature.
        body_digest: Hash of the body, keyed with the subscription's key, so that nobody who reads
            the inbox can confirm a guess at a body.
    """

    firm: str
    subscription_id: str
    event: Event
    signature_digest: str
    body_digest: str


@dataclass(frozen=True)
class Appended:
    """What became of deliveries.

    Attributes:
        stored_rows: Count of new rows; the others were there already.
        is_accepted: For each delivery, whether its signature came with this body alone.
    """

    stored_rows: int
    is_accepted: list[bool]


def append_deliveries(database: InboxDatabase, deliveries: Sequence[Delivery]) -> Appended:
    """Append deliveries in one transaction. They are safe when this returns.

    A signature covers no body, so the first body that comes with it is the only one. The same
    delivery again, and the same event again, add no row.

    Raises:
        InboxError: The database fails. Nothing was appended, or all of it.
    """
    with database.write() as (connection, now):
        digests = {each.signature_digest for each in deliveries}
        query = select(SIGNATURES.c.signature_digest, SIGNATURES.c.body_digest)
        query = query.where(SIGNATURES.c.signature_digest.in_(digests))
        known = {row.signature_digest: row.body_digest for row in connection.execute(query)}
        new_signatures, new_events, is_accepted = [], [], []
        for each in deliveries:
            body = known.setdefault(each.signature_digest, "")
            if not body:
                known[each.signature_digest] = body = each.body_digest
                new_signatures.append(
                    {
                        "signature_digest": each.signature_digest,
                        "body_digest": body,
                        "expires": now + SIGNATURE_TICKS,
                    }
                )
                new_events.append(_event_row(each, now))
            is_accepted.append(body == each.body_digest)
        stored_rows = 0
        if new_events:
            connection.execute(insert(SIGNATURES), new_signatures)
            stored_rows = connection.execute(database.insert_new(EVENTS), new_events).rowcount
    return Appended(stored_rows, is_accepted)


def append_gaps(connection: Connection, now: int, firms: Iterable[str], reason: str) -> None:
    """Append a gap for each firm.

    Args:
        connection: A transaction of `InboxDatabase.write`.
        now: The inbox's clock in .NET ticks.
        firms: Names of the firms.
        reason: One of `GAP_REASONS`.
    """
    if reason not in GAP_REASONS:
        raise ValueError("not a reason of a gap")
    rows = [
        {**_row(firm, now), "subscription_id": "", "event_type": GAP, "resource_id": reason}
        for firm in firms
    ]
    if rows:
        connection.execute(insert(EVENTS), rows)


def _event_row(delivery: Delivery, now: int) -> dict[str, Any]:
    return {
        **_row(delivery.firm, now),
        "subscription_id": delivery.subscription_id,
        "event_type": delivery.event.type,
        "event_ticks": delivery.event.ticks,
        "resource_id": delivery.event.resource_id,
        "matter_id": delivery.event.matter_id,
    }


def _row(firm: str, now: int) -> dict[str, Any]:
    return {"firm": firm, "arrived": now, "mark": secrets.randbits(_MARK_BITS)}
