"""Reads what changed before the lists of parents, if these lists take long for the time limit.

A child stream needs the list of all its parents, 201 requests for 100,000 matters. With a short
time limit, changes would wait for the list, and perhaps for the next run. So such a run begins as a
run between full passes does: the list of the parents that changed, their records, the parents that
events name, and the child records of both. Then it reads what it was to read.

The full pass counts from the list of the changed parents, not from that of all. It was the first to
be requested, and so the pass need not repeat what was read between the two.

The list of all parents keeps its time, as far as a run has enough of it. If a run was cut in a list
that a whole run has time for, the next one begins with it: changes must not keep a full pass from
its end.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from tap_smokeball.run.request_estimate import PAGES, RequestEstimate
from tap_smokeball.run.status import StreamStatus
from tap_smokeball.sync.list_time import SPARE_FACTOR, ListTime
from tap_smokeball.sync.parent_stream import ParentStream
from tap_smokeball.sync.read_decision import ReadMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_smokeball.sync.base_stream import SmokeballStream
    from tap_smokeball.sync.child_stream import ChildStream

MAX_LIST_SHARE = 0.75
"""Share of the time limit that is reserved for lists at most."""


class ChangesPhase:
    """The part of a run that reads what changed of one parent stream and below it.

    Args:
        parent: The parent stream.
        children: Child streams of the run, also of other parents.

    Attributes:
        parent: The parent stream.
        children: Its child streams that can be read in two parts.
        list_seconds: How long the list of all parents takes.
    """

    def __init__(self, parent: ParentStream, children: Iterable[ChildStream]) -> None:
        self.parent = parent
        self.children = [
            child
            for child in children
            if child.parent_stream is parent and _can_be_read_in_parts(child)
        ]
        self.list_seconds = ListTime(parent.state_manager).seconds

    @contextmanager
    def active(self, ends_at_seconds: float) -> Iterator[None]:
        """Let the streams read what changed alone.

        Args:
            ends_at_seconds: Age of the run at which child streams make room for the list.
        """
        streams: list[SmokeballStream] = [self.parent, *self.children]
        decisions = [stream.decision for stream in streams]
        for stream, decision in zip(streams, decisions, strict=True):
            stream.decision = replace(
                decision,
                mode=ReadMode.CHANGES,
                # Settings may hide parents that events name: the list of all shows which.
                events=None if self.parent.is_view_restricted else decision.events,
                retries_unread=False,
                is_closed_pass_only=False,
                next_mode=decision.mode,
            )
        for child in self.children:
            child.pause_seconds = ends_at_seconds
        try:
            yield
        finally:
            result = self.parent.result
            if result.status is StreamStatus.COMPLETE:
                is_stopped = bool(self.parent.session.status.signal)
                # Until all parents are listed.
                result.status = StreamStatus.STOPPED if is_stopped else StreamStatus.TIME_LIMIT
                result.estimate = RequestEstimate(steps=1, unit=PAGES)
                for child in self.children:
                    child.finish_changes()
            for stream, decision in zip(streams, decisions, strict=True):
                stream.decision = decision


def changes_phases(
    top_level: Iterable[SmokeballStream],
    children: Iterable[ChildStream],
    limit_seconds: float,
) -> list[ChangesPhase]:
    """Return the phases that precede the lists of a run.

    Args:
        top_level: The top-level streams of the run.
        children: Its child streams.
        limit_seconds: The time limit of the run.
    """
    return [
        ChangesPhase(stream, children)
        for stream in top_level
        if isinstance(stream, ParentStream)
        and ListTime(stream.state_manager).is_long(limit_seconds)
        and not ListTime(stream.state_manager).should_come_first(limit_seconds)
        and _can_list_changes_first(stream)
    ]


def phase_end_seconds(phases: Iterable[ChangesPhase], limit_seconds: float) -> float:
    """Return the age of the run at which the phases make room for lists."""
    needed = SPARE_FACTOR * sum(phase.list_seconds for phase in phases)
    return limit_seconds - min(needed, MAX_LIST_SHARE * limit_seconds)


def _can_list_changes_first(parent: ParentStream) -> bool:
    return (
        parent.decision.is_full
        and parent.has_selected_descendents
        and parent.sample_rows is None
        and not parent.is_batched
        and parent.can_list_changes
        and parent.has_changes_start
    )


def _can_be_read_in_parts(child: ChildStream) -> bool:
    """Return whether a child stream can be read with the changed parents, then with all.

    Not if it replaces its table, if its rows come with the list of all parents, or as long as its
    state is not split for a full pass over closed parents.
    """
    embedded = cast("list[object]", child.parent_stream.embedded_children)
    is_unsplit = child.has_closed_pass and not child.is_split
    return not (child.replaces_table or child.skip_reason or child in embedded or is_unsplit)
