"""The events of one stream that wait in the inbox, and how far a run has acted on them.

An event is a reason to read, never data. The position of a stream moves only behind what was read
and emitted: after each parent to just before the first event of the next one. So a kill repeats
reads and skips none.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tap_smokeball.inbox.events import GAP, START, Position

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_smokeball.inbox.events import InboxEvent
    from tap_smokeball.sync.schedule_state import ScheduleState

MAX_NAMED_PARENTS = 1_000
"""Parents of a stream that events may name. More of them, and a full pass is due instead."""


class NamedParent(NamedTuple):
    """A parent that events name.

    Attributes:
        id: Its id, which nothing but an event vouches for.
        before: The position just before its first event.
        arrived: When its first event arrived, in ticks of the inbox's clock.
    """

    id: str
    before: Position
    arrived: int


class Gap(NamedTuple):
    """A place in the log where events of a stream may be missing.

    Attributes:
        reason: Why.
        position: The row of the log that says so, or the start of the log if none does.
    """

    reason: str
    position: Position = START


@dataclass
class StreamEvents:
    """The events of one stream that wait.

    Attributes:
        types: Event types that name a change of the stream.
        names_parents: Whether its events name parents, as those of child streams do.
        start: The position that the run starts from.
        state: Remembers the position.
        gap: Why events may be missing; None if none are.
        gap_seq: The last row of the log whose gap an earlier run has seen.
        count: How many events of the stream wait.
        target: The position behind all events that are old enough.
        seen: Number of the last event that the run saw, of whatever stream.
        named: The parents that events name and that the run has not tried, by first event.
        read_parents: How many named parents the run has read.
        dropped_parents: How many named parents do not exist or are restricted.
        held_parents: How many named parents could not be read, and are repeated by the next run.
        now: The inbox's clock in ticks when the events were read.
        ends_at: When the share of the run's time ends that its named parents get, as
            `time.monotonic` counts.
    """

    types: frozenset[str]
    names_parents: bool
    start: Position
    state: ScheduleState
    now: int
    gap: Gap | None = None
    gap_seq: int = 0
    count: int = 0
    named: list[NamedParent] = field(default_factory=list)
    read_parents: int = 0
    dropped_parents: int = 0
    held_parents: int = 0
    ends_at: float = math.inf
    _named_ids: set[str] = field(default_factory=set)
    _has_too_many: bool = False

    def __post_init__(self) -> None:
        self.target, self.seen = self.start, self.start.seq

    def add(self, event: InboxEvent, before: Position) -> None:
        """Count an event in.

        Args:
            event: A row of the inbox that concerns the stream: an event of its types, a gap, or an
                event of a type that nobody knows.
            before: The position of the row before it.
        """
        if event.seq <= self.start.seq:
            return
        if event.type == GAP:
            self._add_gap(str(event.resource_id), event)
        elif event.type not in self.types:
            self._add_gap("unknown event type", event)
        else:
            self.count += 1
            if self.names_parents:
                self._add_parent(event, max(before, self.start, key=_place))

    def _add_parent(self, event: InboxEvent, before: Position) -> None:
        if event.matter_id is None:
            self._add_gap("an event names no matter", event)
        elif event.matter_id in self._named_ids:
            return
        elif len(self.named) < MAX_NAMED_PARENTS:
            self._named_ids.add(event.matter_id)
            self.named.append(NamedParent(event.matter_id, before, event.arrived))
        else:
            self._has_too_many = True
            self._add_gap("too many events", event)

    def _add_gap(self, reason: str, event: InboxEvent) -> None:
        if event.seq > self.gap_seq:
            self.gap = Gap(reason, event.position)

    def set_target(self, target: Position, seen: Position) -> None:
        """Set the position behind all events that are old enough, once all are counted in.

        Args:
            target: That position.
            seen: The position behind all events.
        """
        self.target, self.seen = max(self.start, target, key=_place), seen.seq
        if self._has_too_many:
            self.named.clear()

    @property
    def is_cut(self) -> bool:
        """Whether named parents have used up their share of the run's time."""
        return time.monotonic() >= self.ends_at

    def drop_unlisted(self, listed_ids: Collection[str]) -> None:
        """Drop the named parents that a list of all parents does not have."""
        known = [parent for parent in self.named if parent.id in listed_ids]
        self.dropped_parents += len(self.named) - len(known)
        self.named = known

    def remove(self, parent_id: str) -> NamedParent | None:
        """Take out a parent that the run has tried."""
        parent = next((each for each in self.named if each.id == parent_id), None)
        if parent:
            self.named.remove(parent)
        return parent

    def move_position(self) -> None:
        """Move the position behind what was acted on, unless an earlier parent holds it."""
        if self.held_parents:
            return
        reached = min(self.named[0].before, self.target, key=_place) if self.named else self.target
        self.state.move_position(reached)


def _place(position: Position) -> int:
    return position.seq
