"""What receivers note of themselves in the inbox, so that a time without any is a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.append import append_gaps
from tap_smokeball.inbox.events import GAP
from tap_smokeball.inbox.tables import EVENTS, RECEIVERS, SIGNATURES, SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_smokeball.inbox.engine import InboxDatabase

HEARTBEAT_SECONDS = 10
"""Interval between two heartbeats of a receiver."""

_DOWN_TICKS = 60 * dotnet_ticks.PER_SECOND
_FORGET_TICKS = dotnet_ticks.PER_DAY


def record_start(database: InboxDatabase, receiver: str) -> bool:
    """Record that a receiver starts.

    If none lived in the last minute, deliveries were lost: each firm's log gets a gap.

    Args:
        database: The inbox.
        receiver: Random id of the receiver.

    Returns:
        Whether gaps were recorded.

    Raises:
        InboxError: The database fails.
    """
    with database.write() as (connection, now):
        last = connection.scalar(select(func.max(RECEIVERS.c.heartbeat)))
        is_gap = last is None or last < now - _DOWN_TICKS
        if is_gap:
            firms = connection.scalars(select(SUBSCRIPTIONS.c.firm).distinct()).all()
            append_gaps(connection, now, firms, "receiver_down")
        row = {"receiver": receiver, "heartbeat": now}
        connection.execute(database.upsert(RECEIVERS, row))
    return is_gap


def record_heartbeat(database: InboxDatabase, receiver: str) -> None:
    """Record that a receiver lives, and forget receivers and signatures that are long over.

    Raises:
        InboxError: The database fails.
    """
    now = database.now()
    with database.read() as connection:
        connection.execute(database.upsert(RECEIVERS, {"receiver": receiver, "heartbeat": now}))
        connection.execute(delete(RECEIVERS).where(RECEIVERS.c.heartbeat < now - _FORGET_TICKS))
        connection.execute(delete(SIGNATURES).where(SIGNATURES.c.expires < now))


def record_gaps(database: InboxDatabase, gaps: Iterable[tuple[str, str]]) -> None:
    """Record gaps, each with the name of the firm and the reason.

    Raises:
        InboxError: The database fails.
    """
    with database.write() as (connection, now):
        for firm, reason in gaps:
            append_gaps(connection, now, [firm], reason)


def count_rows(database: InboxDatabase) -> dict[str, int]:
    """Return the count of rows of each firm.

    Raises:
        InboxError: The database fails.
    """
    query = select(EVENTS.c.firm, func.count().label("rows")).group_by(EVENTS.c.firm)
    with database.read() as connection:
        return {row.firm: row.rows for row in connection.execute(query)}


def last_arrival(database: InboxDatabase) -> int | None:
    """Return how long ago the last event arrived, in .NET ticks; None if there is none.

    Raises:
        InboxError: The database fails.
    """
    now = database.now()
    query = select(EVENTS.c.arrived).where(EVENTS.c.event_type != GAP)
    with database.read() as connection:
        arrived = connection.scalar(query.order_by(EVENTS.c.seq.desc()).limit(1))
    return None if arrived is None else now - arrived
