"""The parents that events name: the first reason to read parents."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks
from tap_smokeball.sync.parent_list import Parent
from tap_smokeball.sync.parent_order import ReadReason, Stage

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.errors import SmokeballError
    from tap_smokeball.sync.run_parents import RunParents
    from tap_smokeball.sync.stream_events import StreamEvents

DENIALS = frozenset({400, 403, 404})
"""Statuses of a parent that does not exist or may not be read. Anybody who could forge an event
could name such a parent, so it is dropped and leaves no trace."""

MAX_HELD_TICKS = 60 * 60 * dotnet_ticks.PER_SECOND
"""How long a parent that cannot be read is repeated before a full pass is due in its place."""


class NamedParents(ReadReason):
    """Parents that events name, in the order of their first event.

    Args:
        order: The parents of the stream.
        events: The events of the stream.
    """

    stage = Stage.NAMED_PARENTS
    is_between_full_passes = True
    is_failure_expected = True
    remembers_failures = False

    def __init__(self, order: RunParents, events: StreamEvents) -> None:
        super().__init__(order)
        self._events = events

    @property
    @override
    def is_cut(self) -> bool:
        return bool(self._events.named) and self._events.is_cut

    @override
    def parents(self) -> list[Parent]:
        if self.is_cut or not self._events.named:
            return []
        listed = {parent.id: parent for parent in self.order.with_children}
        if not self.order.is_partial:
            self._events.drop_unlisted(listed.keys())
        return [listed.get(named.id) or Parent(named.id, 0) for named in self._events.named]

    @override
    def upcoming(self, parents: list[Parent]) -> Iterator[Parent]:
        for parent in parents:
            if self.is_cut:
                return
            yield parent

    @override
    def drops(self, parent: Parent, error: SmokeballError) -> bool:
        """Drop a parent that does not exist or is restricted, and hold the position at others."""
        named = self._events.remove(parent.id)
        is_dropped = error.status in DENIALS
        if is_dropped:
            self._events.dropped_parents += 1
        elif named and self._events.now - named.arrived <= MAX_HELD_TICKS:
            self._events.held_parents += 1
        elif not self.order.has_full_pass:
            self._events.state.require_full_pass(dotnet_ticks.now(), None)
        self._events.move_position()
        return is_dropped

    @override
    def checkpoint(self, parent: Parent) -> None:
        self._events.remove(parent.id)
        self._events.read_parents += 1
        self._events.move_position()
        self.order.read_ids.add(parent.id)

    @override
    def complete(self, parents: list[Parent]) -> None:
        """Move the position behind parents that are not listed."""
        self._events.move_position()
