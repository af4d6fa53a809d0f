"""Reads the inbox once for all streams of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks
from tap_smokeball.sync.schedule_state import ScheduleState
from tap_smokeball.sync.stream_events import Gap, StreamEvents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_smokeball.inbox.events import InboxEvent, Position
    from tap_smokeball.inbox.reader import InboxReader
    from tap_smokeball.sync.base_stream import SmokeballStream

YOUNG_TICKS = 60 * dotnet_ticks.PER_SECOND
"""Age below which an event is acted on again by the next run: reads lag writes by seconds."""

NO_POSITION = "the run is the first to read them"
"""Why a full pass is due of a stream that has no position in the log yet."""

ROWS_PER_QUERY = 2_000

UNUSED_TYPES = frozenset({"noop", "error", "matteritems.updated"})
"""Event types that name no change of a stream: a test, a failed write, the tree of a matter."""


def read_waiting_events(
    reader: InboxReader, streams: Iterable[SmokeballStream], known_types: frozenset[str]
) -> dict[str, StreamEvents]:
    """Return the events that wait, by stream.

    Args:
        reader: The inbox.
        streams: The streams that follow events.
        known_types: Event types of all streams.

    Raises:
        InboxError: The inbox cannot be read.
    """
    now = reader.now()
    settled = reader.newest(arrived_before=now - YOUNG_TICKS)
    found = {stream.name: _start(reader, stream, settled, now) for stream in streams}
    if not found:
        return found
    target = before = min((each.start for each in found.values()), key=lambda each: each.seq)
    is_settled, everyone = True, list(found.values())
    by_type = {
        each: [events for events in everyone if each in events.types]
        for each in known_types | UNUSED_TYPES
    }
    while rows := reader.events_after(before, ROWS_PER_QUERY):
        for event in rows:
            for events in by_type.get(event.type, everyone):
                events.add(event, before)
            before = event.position
            is_settled = is_settled and not _is_young(event, now)
            if is_settled:
                target = before
        if len(rows) < ROWS_PER_QUERY:
            break
    for events in everyone:
        events.set_target(target, before)
        if events.gap is None and (reason := reader.gap_reason(events.start)):
            events.gap = Gap(reason)  # rows were deleted since the start was checked
    return found


def _start(
    reader: InboxReader, stream: SmokeballStream, settled: Position, now: int
) -> StreamEvents:
    state = ScheduleState(stream.state_manager)
    start = state.position
    reason = NO_POSITION if start is None else _gap_reason(reader, start, state.gap_position)
    gap = Gap(reason) if reason else None
    return StreamEvents(
        types=frozenset(stream.event_types),
        names_parents=stream.parent_key is not None,
        start=settled if gap or start is None else start,
        state=state,
        now=now,
        gap=gap,
        gap_seq=0 if gap else state.gap_position.seq,
    )


def _gap_reason(reader: InboxReader, start: Position, gap: Position) -> str | None:
    """Return why rows after a position may be missing, or None.

    Args:
        reader: The inbox.
        start: The position.
        gap: The last row that made a full pass due. It may lie behind the position; then a log that
            was restored from a backup may have that position and not this row.
    """
    reason = reader.gap_reason(start)
    if reason is None and gap.seq > start.seq:
        reason = reader.gap_reason(gap)
    return reason


def _is_young(event: InboxEvent, now: int) -> bool:
    """Return whether an event has just arrived; not if a clock was ahead by more than that."""
    return abs(now - event.arrived) < YOUNG_TICKS
