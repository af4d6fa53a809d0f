"""Decides what a run reads of each stream: by events, by intervals, or all as without a schedule.

While the firm's webhook subscription is alive, silence means that nothing changed. Then a top-level
stream with events is read when one of its events waits, and a child stream reads the parents that
its events name. Events order the work and never replace the full pass: delivery is promised by
nobody. So each stream is read in full at an interval, and at once when events may be missing.

Streams without events are polled at an interval of their own. But a poll of a child stream is a
request for each parent: if the parent has events, so that it has many rows, its child streams
follow the interval of full passes.
"""

from __future__ import annotations

import logging
import secrets
from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from tap_smokeball import dotnet_ticks
from tap_smokeball.errors import InboxError, SmokeballError
from tap_smokeball.inbox import open_reader
from tap_smokeball.run.status import StreamStatus
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.read_decision import ReadDecision, ReadMode
from tap_smokeball.sync.schedule_state import ScheduleState
from tap_smokeball.sync.subscription_check import (
    STATE_KEY,
    UNKNOWN,
    SubscriptionStatus,
    check_subscription,
)
from tap_smokeball.sync.waiting_events import NO_POSITION, read_waiting_events

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from tap_smokeball.session import Session
    from tap_smokeball.sync.base_stream import SmokeballStream
    from tap_smokeball.sync.parent_stream import ParentStream
    from tap_smokeball.sync.stream_events import StreamEvents

RETRY_UNREAD_TICKS = 60 * 60 * dotnet_ticks.PER_SECOND
"""Time between retries of unread parents while no full pass is due: most of them are restricted,
and stay so."""

_READER_BYTES = 8

_ESSENTIAL_VERBS = ("created", "updated")
"""Without these events of a stream, silence does not mean that nothing changed. Others, such as
``deleted``, are not offered everywhere, and a full pass shows what they would have."""


class Schedule:
    """What one run reads.

    Args:
        session: Settings, API client and worker pool of the run.
        tap_state: The state of the tap.
        logger: Takes what was decided.

    Attributes:
        subscription: Whether the firm's subscription exists.
        error: Why the inbox could not be used; the run reads as without webhooks, and fails.
    """

    def __init__(
        self, session: Session, tap_state: MutableMapping[str, Any], logger: logging.Logger
    ) -> None:
        self.subscription: SubscriptionStatus = UNKNOWN
        self.error: SmokeballError | None = None
        self._session = session
        self._settings = session.settings
        self._state = tap_state
        self._logger = logger
        self._started = dotnet_ticks.now()
        self._streams: list[SmokeballStream] = []
        self._events: dict[str, StreamEvents] = {}
        self._newest = 0

    @property
    def position(self) -> int:
        """Number of the last event that was acted on for all streams."""
        positions = [events.state.position for events in self._events.values()]
        return min((each.seq for each in positions if each), default=self._newest)

    @property
    def seen(self) -> int:
        """Number of the last event that the run saw."""
        return max((events.seen for events in self._events.values()), default=self._newest)

    def decide(self, streams: Iterable[SmokeballStream], known_types: frozenset[str]) -> None:
        """Decide what the run reads of each stream; one request an hour.

        Args:
            streams: The streams of the run.
            known_types: Event types of all streams, selected or not.
        """
        self._streams = list(streams)
        if self._settings.webhook_inbox:
            try:
                self._read_inbox(self._settings.webhook_inbox, known_types)
            except InboxError as error:
                self.error = error
                self._events = {}
            self._require_full_passes()
        children = [stream for stream in self._streams if isinstance(stream, ChildStream)]
        for child in children:
            child.decision = self._decide_child(child)
        for stream in self._streams:
            own = [child for child in children if child.parent_stream is stream]
            if own:
                stream.decision = self._decide_parent(cast("ParentStream", stream), own)
            elif not isinstance(stream, ChildStream):
                stream.decision = self._decide_list(stream)
        self._log()

    def _read_inbox(self, url: str, known_types: frozenset[str]) -> None:
        with open_reader(url, self._settings.webhook_firm) as reader:
            entry = self._state.setdefault(STATE_KEY, {})
            entry.setdefault("reader", secrets.token_hex(_READER_BYTES))
            if self._settings.webhook_reader:
                entry["reader"] = self._settings.webhook_reader
            self.subscription = check_subscription(reader, self._session, entry)
            followed = [s for s in self._streams if s.event_types and not _needs_full_passes(s)]
            self._newest = reader.newest().seq
            self._events = read_waiting_events(reader, followed, known_types)

    def _require_full_passes(self) -> None:
        """Let full passes be due where events may be missing."""
        reasons: defaultdict[str, list[str]] = defaultdict(list)
        for name, events in self._events.items():
            state, gap = events.state, events.gap
            if not state.was_covered and self._has_events(events.types):
                state.require_full_pass(self._started, None)
                reasons["the subscription had not all of its events"].append(name)
            if self.subscription.is_alive is not None:
                has_types = _essential(events.types) <= self.subscription.event_types
                state.set_covered(is_covered=has_types or not self.subscription.is_alive)
            if gap:
                state.require_full_pass(self._started, gap.position)
                reasons[gap.reason].append(name)
            state.move_position(events.start)
        for reason, names in reasons.items():
            self._logger.log(
                logging.INFO if reason == NO_POSITION else logging.WARNING,
                "Webhooks: events may be missing (%s). A full pass is due for %s",
                reason,
                ", ".join(names),
            )

    def _has_events(self, types: Iterable[str]) -> bool:
        """Return whether silence means that nothing changed."""
        essential = _essential(types)
        return bool(essential) and essential <= self.subscription.event_types

    def _decide_child(self, child: ChildStream) -> ReadDecision:
        events = self._events.get(child.name)
        settings, bookmarks = self._settings, child.state_manager
        interval = settings.full_pass_interval_ticks
        if is_polled(child):
            interval = settings.poll_interval_ticks
        last = bookmarks.last_completed
        if ScheduleState(bookmarks).is_full_pass_due(last):
            return ReadDecision(ReadMode.FULL, "events may be missing", events)
        if isinstance(bookmarks.stream_state.get("resume"), dict):
            return ReadDecision(ReadMode.FULL, "resumes", events)
        if self._is_overdue(last, interval):
            return ReadDecision(ReadMode.FULL, _overdue_reason(last, interval), events)
        if child.is_closed_pass_due(self._started):
            reason = "interval of closed parents passed"
            return ReadDecision(ReadMode.FULL, reason, events, is_closed_pass_only=True)
        is_retry_due = self._is_overdue(ScheduleState(bookmarks).unread_retried, RETRY_UNREAD_TICKS)
        retries_unread = bool(bookmarks.unread_parents) and is_retry_due
        return ReadDecision(ReadMode.CHANGES, "named and changed parents", events, retries_unread)

    def _decide_parent(self, parent: ParentStream, children: list[ChildStream]) -> ReadDecision:
        events, state = self._events.get(parent.name), ScheduleState(parent.state_manager)
        if any(child.decision.is_full for child in children):
            return ReadDecision(ReadMode.FULL, "full pass of a child stream", events)
        if parent.is_view_restricted and any(
            child.decision.events and child.decision.events.named for child in children
        ):
            return ReadDecision(ReadMode.FULL, "settings hide rows that events name", events)
        decision = self._decide_list(parent)
        if decision.mode is ReadMode.NOTHING or not (parent.can_list_changes or parent.selected):
            return ReadDecision(ReadMode.NOTHING, decision.reason, events)
        interval, last = self._settings.full_pass_interval_ticks, state.last_read
        is_due = self._is_overdue(last, interval) or state.is_full_pass_due(last)
        if parent.can_list_changes and not (parent.selected and is_due):
            return ReadDecision(ReadMode.CHANGES, decision.reason, events)
        return decision

    def _decide_list(self, stream: SmokeballStream) -> ReadDecision:
        events = self._events.get(stream.name)
        settings, state = self._settings, ScheduleState(stream.state_manager)
        interval = 0
        if events and self._has_events(events.types):
            interval = settings.full_pass_interval_ticks
        elif is_polled(stream) or (events and self.subscription.is_alive):
            interval = settings.poll_interval_ticks
        last = state.last_read
        # Of a parent stream that is not selected, only its changes are of use.
        if stream.selected and state.is_full_pass_due(last):
            return ReadDecision(ReadMode.FULL, "events may be missing", events)
        if self._is_overdue(last, interval) and (stream.selected or not interval):
            return ReadDecision(ReadMode.FULL, _overdue_reason(last, interval), events)
        if events and events.count:
            return ReadDecision(ReadMode.FULL, "events wait", events)
        return ReadDecision(ReadMode.NOTHING, "no events" if events else "not due", events)

    def _is_overdue(self, last: int, interval: int) -> bool:
        """Return whether an interval has passed since some ticks, which may lie in the future."""
        return not interval or not 0 <= self._started - last < interval

    def _log(self) -> None:
        if self.error:
            self._logger.error("%s", self.error)
        if self._settings.webhook_inbox and not self.error:
            log = self._logger.info if self.subscription.is_alive else self._logger.warning
            log(
                "Webhooks: the subscription is %s; %s events wait",
                self.subscription.text,
                f"{sum(events.count for events in self._events.values()):,}",
            )
        for stream in self._streams:
            decision = stream.decision
            self._logger.debug("%s: %s (%s)", stream.name, decision.mode.value, decision.reason)

    def record(self, stream: SmokeballStream) -> None:
        """Remember that the run is done with a stream, if nothing is left of it."""
        result, decision = stream.result, stream.decision
        result.mode, result.reason = decision.mode.value, decision.reason
        if events := decision.events:
            result.named_parents = events.read_parents
            result.dropped_parents = events.dropped_parents
        if decision.retries_unread and result.status is not StreamStatus.PENDING:
            ScheduleState(stream.state_manager).record_retry(self._started)
        if result.status not in {StreamStatus.COMPLETE, StreamStatus.NOT_DUE}:
            return
        if events and isinstance(stream, ChildStream):
            events.move_position()
        elif events:
            events.state.move_position(events.target)
        if decision.is_full and stream.selected and not isinstance(stream, ChildStream):
            ScheduleState(stream.state_manager).record_read(self._started)

    def finish(self) -> None:
        """Write the state if it changed since the last message, and note the position."""
        changed = [s for s in self._streams if not s.state_manager.is_flushed]
        for stream in changed[:1]:
            stream.write_state()
        for stream in changed:
            stream.state_manager.is_flushed = True
        if self._events and self._settings.webhook_inbox:
            self._record_position(self._settings.webhook_inbox)

    def _record_position(self, url: str) -> None:
        """Let the command ``status`` show how far this reader is."""
        entry = self._state[STATE_KEY]
        positions = [events.state.position for events in self._events.values()]
        lowest = min((each for each in positions if each), key=lambda each: each.seq)
        try:
            with open_reader(url, self._settings.webhook_firm) as reader:
                reader.record_position(entry["reader"], lowest)
        except InboxError as error:
            self._logger.warning("%s", error)


def is_polled(stream: SmokeballStream) -> bool:
    """Return whether a stream has no events, and few requests read it."""
    parent_types = stream.parent_stream.event_types if isinstance(stream, ChildStream) else ()
    return not (stream.event_types or parent_types)


def _essential(types: Iterable[str]) -> set[str]:
    return {each for each in types if each.rpartition(".")[2] in _ESSENTIAL_VERBS}


def _needs_full_passes(stream: SmokeballStream) -> bool:
    """Return whether a part of a child stream would replace its table."""
    return isinstance(stream, ChildStream) and stream.replaces_table


def _overdue_reason(last: int, interval: int) -> str:
    if not last:
        return "first read"
    return "interval passed" if interval else "every run"
