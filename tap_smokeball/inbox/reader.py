"""Reads one firm's events, as the tap does. Never touches the keys."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from tap_smokeball.errors import InboxError
from tap_smokeball.inbox.append import append_gaps
from tap_smokeball.inbox.engine import InboxDatabase
from tap_smokeball.inbox.events import FIRM_NAME, START, InboxEvent, Position, Subscription
from tap_smokeball.inbox.tables import EVENTS, FIRMS, READERS, SUBSCRIPTIONS

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

if TYPE_CHECKING:
    from collections.abc import Iterable


class InboxReader:
    """The inbox of one firm.

    Args:
        url: SQLAlchemy URL of the inbox.
        firm: Name of the firm in the inbox.

    Raises:
        InboxError: The inbox does not exist or cannot be used. So do all methods.
    """

    def __init__(self, url: str, firm: str) -> None:
        if not FIRM_NAME.fullmatch(firm):
            raise InboxError(
                "the firm's name is not valid",
                "Set webhook_firm to 1 to 64 letters, digits, dots, hyphens or underscores",
            )
        self._firm = firm
        self._database = InboxDatabase(url, is_created=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def now(self) -> int:
        """Return the inbox's clock in .NET ticks, with which rows are stamped."""
        return self._database.now()

    def events_after(self, position: Position, limit: int) -> list[InboxEvent]:
        """Return the next rows in their order, gaps included."""
        query = (
            select(
                EVENTS.c.seq,
                EVENTS.c.mark,
                EVENTS.c.arrived,
                EVENTS.c.event_type,
                EVENTS.c.event_ticks,
                EVENTS.c.resource_id,
                EVENTS.c.matter_id,
            )
            .where(EVENTS.c.firm == self._firm, EVENTS.c.seq > position.seq)
            .order_by(EVENTS.c.seq)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [InboxEvent(*row) for row in connection.execute(query)]

    def newest(self, *, arrived_before: int | None = None) -> Position:
        """Return the position of the last row, or of the one before all that arrived later.

        Args:
            arrived_before: .NET ticks of the inbox's clock. A clock that was set back gives later
                rows earlier times, so only the first row that arrived since counts.
        """
        in_firm = EVENTS.c.firm == self._firm
        query = select(EVENTS.c.seq, EVENTS.c.mark).where(in_firm)
        if arrived_before is not None:
            later = select(func.min(EVENTS.c.seq)).where(
                in_firm, EVENTS.c.arrived >= arrived_before
            )
            first = later.scalar_subquery()
            query = query.where(first.is_(None) | (EVENTS.c.seq < first))
        with self._database.read() as connection:
            row = connection.execute(query.order_by(EVENTS.c.seq.desc()).limit(1)).first()
        return Position(*row) if row else START

    def gap_reason(self, position: Position) -> str | None:
        """Return why rows after a position may be missing, or None.

        Returns:
            ``pruned`` if rows after it were deleted; ``restored`` if its row is not in the log,
            because the inbox is another one or was restored from a backup.
        """
        in_firm = EVENTS.c.firm == self._firm
        with self._database.read() as connection:
            pruned_through = connection.scalar(
                select(FIRMS.c.pruned_through).where(FIRMS.c.firm == self._firm)
            )
            mark = connection.scalar(
                select(EVENTS.c.mark).where(in_firm, EVENTS.c.seq == position.seq)
            )
        if position.seq < (pruned_through or 0):
            return "pruned"
        if position.seq in {0, pruned_through} or mark == position.mark:
            return None
        return "restored"

    def subscriptions(self) -> list[Subscription]:
        """Return the firm's subscriptions."""
        columns = SUBSCRIPTIONS.c
        query = (
            select(columns.subscription_id, columns.event_types, columns.is_alive, columns.checked)
            .where(columns.firm == self._firm)
            .order_by(columns.subscription_id)
        )
        with self._database.read() as connection:
            return [
                Subscription(each, frozenset(types), is_alive, checked)
                for each, types, is_alive, checked in connection.execute(query)
            ]

    def record_position(self, reader: str, position: Position) -> None:
        """Record how far a reader has read, for ``status``. The reader's state is what counts."""
        values = {
            "firm": self._firm,
            "reader": reader,
            "seq": position.seq,
            "updated": self.now(),
        }
        with self._database.read() as connection:
            connection.execute(self._database.upsert(READERS, values))

    def record_subscription_check(
        self, subscription_id: str, *, is_alive: bool, event_types: Iterable[str] | None = None
    ) -> None:
        """Record whether a subscription exists. A change of that is a gap in the log.

        Args:
            subscription_id: Smokeball's id of the subscription.
            is_alive: Whether it exists.
            event_types: The event types that it has, if they are known.
        """
        is_this = (
            SUBSCRIPTIONS.c.firm == self._firm,
            SUBSCRIPTIONS.c.subscription_id == subscription_id,
        )
        with self._database.write() as (connection, now):
            row = connection.execute(select(SUBSCRIPTIONS.c.is_alive).where(*is_this)).first()
            if row is None:
                return
            changed: dict[str, object] = {"is_alive": is_alive, "checked": now}
            if event_types is not None:
                changed["event_types"] = sorted(event_types)
            connection.execute(update(SUBSCRIPTIONS).where(*is_this).values(changed))
            if row.is_alive is not False and not is_alive:
                append_gaps(connection, now, [self._firm], "subscription_dead")
            elif row.is_alive is False and is_alive:
                append_gaps(connection, now, [self._firm], "subscription_revived")
