"""All firms of an inbox: what waits for each, and how its last run ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, select, update

from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.tables import EVENTS, RUNS, SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_smokeball.inbox.engine import InboxDatabase

_FIRMS_PER_UPDATE = 500


@dataclass(frozen=True)
class FirmRuns:
    """What the inbox knows of a firm; times are .NET ticks.

    Attributes:
        firm: Name of the firm.
        run: The row of `RUNS`, or None if no run of this reader is known.
        waiting_events: Events after the reader's position.
        oldest_arrival: When the first of them arrived.
        last_arrival: When the last of them arrived.
        first_unseen: When the first event arrived that the last run has not seen.
        is_alive: Whether a subscription existed at its last check; None if that is not known.
    """

    firm: str
    run: dict[str, Any] | None
    waiting_events: int = 0
    oldest_arrival: int | None = None
    last_arrival: int | None = None
    first_unseen: int | None = None
    is_alive: bool | None = None


def list_firms(
    database: InboxDatabase, reader: str, names: Iterable[str] | None = None
) -> tuple[int, list[FirmRuns]]:
    """Return the inbox's clock in .NET ticks, and all firms with a subscription or a run.

    Args:
        database: The inbox.
        reader: Name of the reader.
        names: The firms to return, also those that the inbox does not know; None for all.

    Raises:
        InboxError: The database fails.
    """
    waiting = (
        select(
            RUNS.c.firm,
            func.count(EVENTS.c.seq).label("waiting_events"),
            func.min(EVENTS.c.arrived).label("oldest_arrival"),
            func.max(EVENTS.c.arrived).label("last_arrival"),
            func.min(case((EVENTS.c.seq > RUNS.c.seen, EVENTS.c.arrived))).label("first_unseen"),
        )
        .join(EVENTS, and_(EVENTS.c.firm == RUNS.c.firm, EVENTS.c.seq > RUNS.c.position))
        .where(RUNS.c.reader == reader)
        .group_by(RUNS.c.firm)
    )
    now = database.now()
    with database.read() as connection:
        alive: dict[str, bool | None] = {}
        for row in connection.execute(select(SUBSCRIPTIONS.c.firm, SUBSCRIPTIONS.c.is_alive)):
            alive[row.firm] = alive.get(row.firm) or row.is_alive
        query = select(RUNS).where(RUNS.c.reader == reader)
        runs = {row["firm"]: dict(row) for row in connection.execute(query).mappings()}
        events = {row["firm"]: dict(row) for row in connection.execute(waiting).mappings()}
    known = sorted(alive.keys() | runs.keys()) if names is None else sorted(set(names))
    return now, [
        FirmRuns(
            **{"firm": firm, **events.get(firm, {})},
            run=runs.get(firm),
            is_alive=alive.get(firm),
        )
        for firm in known
    ]


def claim_firms(
    database: InboxDatabase, reader: str, firms: Iterable[str], seconds: float
) -> set[str]:
    """Say that the caller will start a run of some firms soon. A claim ends with the run's start.

    Returns:
        The firms that nobody else has claimed.

    Raises:
        InboxError: The database fails.
    """
    names, now = sorted(firms), database.now()
    ends = now + round(seconds * dotnet_ticks.PER_SECOND)
    rows = [{"firm": name, "reader": reader} for name in names]
    claimed: set[str] = set()
    with database.read() as connection:
        if rows:
            connection.execute(database.insert_new(RUNS), rows)
        for start in range(0, len(names), _FIRMS_PER_UPDATE):
            part = names[start : start + _FIRMS_PER_UPDATE]
            is_free = (
                RUNS.c.reader == reader,
                RUNS.c.firm.in_(part),
                RUNS.c.claim_ends < now,
                RUNS.c.lease_ends < now,
            )
            statement = update(RUNS).where(*is_free).values(claim_ends=ends)
            claimed.update(connection.scalars(statement.returning(RUNS.c.firm)))
    return claimed
