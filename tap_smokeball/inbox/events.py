"""What the inbox holds of an event, and positions in its log. Needs no database package."""

from __future__ import annotations

import re
from dataclasses import dataclass

GAP = "gap"
"""Event type of a row that says: events may be missing here. Its resource id is the reason."""

GAP_REASONS = (
    "overflow",
    "unreadable",
    "unavailable",
    "receiver_down",
    "subscribed",
    "unsubscribed",
    "subscription_dead",
    "subscription_revived",
)
"""Reasons of gaps in the log.

- ``overflow``: the receiver refused deliveries because a limit was reached.
- ``unreadable``: a signed delivery was too large, did not come to its end, or is no event.
- ``unavailable``: the inbox could not be written.
- ``receiver_down``: no receiver lived for a minute or more.
- ``subscribed``, ``unsubscribed``: before, or from then on, no events came.
- ``subscription_dead``, ``subscription_revived``: a check found that it no longer exists, or that
  it exists again.
"""

FIRM_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""A firm's name in the inbox and in the path of its webhook."""


@dataclass(frozen=True)
class Event:
    """What is kept of one delivery: what changed and when, never the change itself.

    Attributes:
        type: Event type, as ``fee.created``.
        ticks: .NET ticks of the event, if they are plausible.
        resource_id: Id of the resource that changed, if it has the form of an id.
        matter_id: Id of its matter, if the delivery names one.
    """

    type: str
    ticks: int | None = None
    resource_id: str | None = None
    matter_id: str | None = None


@dataclass(frozen=True)
class InboxEvent:
    """One row of the log: an event or a gap.

    Attributes:
        seq: Place in the log. Rows become visible in this order.
        mark: Random number of the row, which tells it from the row of a restored backup.
        arrived: .NET ticks of the inbox's clock.
        type: Event type, or `GAP`.
        ticks: .NET ticks of the event.
        resource_id: Id of the resource, or the reason of a gap.
        matter_id: Id of its matter.
    """

    seq: int
    mark: int
    arrived: int
    type: str
    ticks: int | None
    resource_id: str | None
    matter_id: str | None

    @property
    def position(self) -> Position:
        """The position of a reader that has read this row and all before it."""
        return Position(self.seq, self.mark)


@dataclass(frozen=True)
class Position:
    """How far a reader has read: its last row. Zero is before the first row.

    Attributes:
        seq: Place of the row in the log.
        mark: The row's random number.
    """

    seq: int
    mark: int


START = Position(0, 0)
"""Before the first event."""


@dataclass(frozen=True)
class Subscription:
    """A firm's webhook subscription, as far as a reader may know it.

    Attributes:
        id: Smokeball's id of the subscription.
        event_types: Event types that it is subscribed to.
        is_alive: Whether it existed at the last check; None if it was never checked.
        checked: .NET ticks of that check.
    """

    id: str
    event_types: frozenset[str]
    is_alive: bool | None
    checked: int | None
