"""Deletes old events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from tap_smokeball.inbox.tables import EVENTS, FIRMS

if TYPE_CHECKING:
    from tap_smokeball.inbox.engine import InboxDatabase

_BATCH_ROWS = 5_000
"""Rows that one transaction deletes: on SQLite, the receiver waits for it."""


def prune_events(database: InboxDatabase, keep_ticks: int) -> int:
    """Delete the events of all firms that are older than some time, except each firm's newest.

    A reader that had not read them finds a gap.

    Args:
        database: The inbox.
        keep_ticks: Age in .NET ticks.

    Returns:
        Count of deleted rows.

    Raises:
        InboxError: The database fails. What is deleted so far is recorded.
    """
    cutoff = database.now() - keep_ticks
    with database.read() as connection:
        firms = connection.scalars(select(EVENTS.c.firm).distinct()).all()
    return sum(_prune_firm(database, firm, cutoff) for firm in firms)


def _prune_firm(database: InboxDatabase, firm: str, cutoff: int) -> int:
    in_firm = EVENTS.c.firm == firm
    deleted = 0
    while True:
        newest = select(func.max(EVENTS.c.seq)).where(in_firm).scalar_subquery()
        last_old = select(func.max(EVENTS.c.seq)).where(in_firm, EVENTS.c.arrived < cutoff)
        batch = (
            select(EVENTS.c.seq)
            .where(in_firm, EVENTS.c.seq < newest, EVENTS.c.seq <= last_old.scalar_subquery())
            .order_by(EVENTS.c.seq)
            .limit(_BATCH_ROWS)
        )
        with database.write() as (connection, _):
            seqs = connection.scalars(batch).all()
            if not seqs:
                return deleted
            # Only a prefix of the log is deleted, so that one number says what is missing.
            row = {"firm": firm, "pruned_through": seqs[-1]}
            connection.execute(database.upsert(FIRMS, row))
            connection.execute(delete(EVENTS).where(in_firm, EVENTS.c.seq <= seqs[-1]))
        deleted += len(seqs)
