"""Drives a run: the order of the streams, the time limit, and failures kept apart."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from tap_smokeball import dotnet_ticks
from tap_smokeball.errors import (
    ParentListError,
    StateOfOtherFirmError,
    StreamsFailedError,
    UnreadParentsError,
)
from tap_smokeball.run.gc_tuning import rare_garbage_collection
from tap_smokeball.run.request_estimate import PAGES
from tap_smokeball.run.status import RunInterruptedError, StreamStatus
from tap_smokeball.run.stop_signals import stop_on_signals
from tap_smokeball.sync.base_stream import SmokeballStream
from tap_smokeball.sync.changes_first import changes_phases, phase_end_seconds
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.closed_parents import LIVE_SHARE
from tap_smokeball.sync.failure_log import FailureLog, failures_kept
from tap_smokeball.sync.list_time import ListClock
from tap_smokeball.sync.parent_order import Stage
from tap_smokeball.sync.parent_stream import ParentStream
from tap_smokeball.sync.read_decision import ReadMode
from tap_smokeball.sync.run_log_stream import RunLogStream
from tap_smokeball.sync.run_record import record_run
from tap_smokeball.sync.schedule import Schedule

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Iterator

    from singer_sdk import Stream

    from tap_smokeball.session import Session
    from tap_smokeball.sync.state_check import StateCheck
    from tap_smokeball.sync.stream_events import StreamEvents

NAMED_PARENTS_SHARE = 0.5
"""Share of a run's time limit that the parents that events name get at most: whoever could forge
events must not keep a run from polls and full passes."""


class Runner:
    """Syncs the selected streams of a tap.

    Args:
        streams: All streams of the tap.
        session: What the streams share.
        logger: Takes the reasons why streams failed.

    Attributes:
        schedule: Has decided what to read of each stream; None if everything is read.
    """

    def __init__(self, streams: Iterable[Stream], session: Session, logger: logging.Logger) -> None:
        found = list(streams)
        self._known = [stream for stream in found if isinstance(stream, SmokeballStream)]
        wanted = [
            stream for stream in self._known if stream.selected or stream.has_selected_descendents
        ]
        self.top_level = [stream for stream in wanted if not isinstance(stream, ChildStream)]
        self.children = [stream for stream in wanted if isinstance(stream, ChildStream)]
        self._run_logs = [s for s in found if isinstance(s, RunLogStream) and s.selected]
        self._session = session
        self._status = session.status
        self.schedule: Schedule | None = None
        self._failures = FailureLog(session.status, logger)
        self._list_clock = ListClock(session.status)
        self._begun: set[str] = set()
        self._named_end = math.inf

    @property
    def has_streams(self) -> bool:
        """Whether there is a stream to sync."""
        return bool(self.top_level or self.children)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Surround a run, a plan or a connection test.

        Raises:
            RunInterruptedError: A signal stopped the run; the next one resumes.
            StreamsFailedError: A stream failed; the others are complete.
        """
        self._status.is_supervised = True
        for stream in self.top_level:
            stream.result.estimate.start(1, PAGES)
        for stream in self.children:
            self._status.result(stream.name)
        with stop_on_signals(self._status.stop), rare_garbage_collection():
            try:
                yield
            except RunInterruptedError:
                pass
            finally:
                self._log_causes()
                self._session.close()
        if self._status.signal:
            raise RunInterruptedError(self._status.signal)
        if failures := self._status.failures:
            names = ", ".join(result.stream for result in failures)
            raise StreamsFailedError(
                f"{len(failures)} of {len(self._status.results)} streams failed: {names}"
            )

    def start(self, state_check: StateCheck) -> None:
        """Check the state, then decide what to read.

        Raises:
            StateOfOtherFirmError: The state is that of another firm.
        """
        state_check.start()
        self.decide_reads(state_check)

    def decide_reads(self, state_check: StateCheck) -> None:
        """Decide what to read of each stream, unless the settings ask for everything.

        Args:
            state_check: Has checked the state; if it could not, the first stream fails.
        """
        if not (state_check.has_failed or self._session.settings.reads_everything):
            state = cast("dict[str, Any]", self._known[0].tap_state)
            self.schedule = Schedule(self._session, state, state_check.logger)
            known_types = frozenset(each for s in self._known for each in s.event_types)
            self.schedule.decide([*self.top_level, *self.children], known_types)

    def sync(self) -> None:
        """Sync top-level streams, then child streams, then log the run in its own stream.

        Child streams with the oldest complete pass come first, not in the order of their names:
        with a time limit, the last ones would never be reached.

        Raises:
            InboxError: The webhook inbox could not be used; all streams were read without it.
        """
        self._status.limit_requests()
        try:
            self._sync_all()
        except RunInterruptedError:
            self._log_run()
            raise
        self._log_run()
        streams = [*self.top_level, *self.children]
        if streams:
            record_run(self._session, self.schedule, streams, streams[0].logger)
        if self.schedule and self.schedule.error:
            raise self.schedule.error

    def _log_run(self) -> None:
        """Write the rows about the run, whatever became of its streams."""
        streams = (*self.top_level, *self.children)
        if any(isinstance(stream.result.error, StateOfOtherFirmError) for stream in streams):
            return  # the tables are those of the other firm
        for run_log in self._run_logs:
            with failures_kept(run_log):
                run_log.log_run(streams)
            if run_log.result.error:
                self._status.results[run_log.name] = run_log.result

    def _sync_all(self) -> None:
        self._sync_changes()
        for stream in self.top_level:
            if stream.decision.mode is ReadMode.NOTHING:
                self._skip(stream)
            else:
                with self._list_clock.measuring(stream):
                    self._sync(stream)
            self._record(stream)
        self._list_clock.has_time_left = not self._status.should_stop
        self._sync_children()
        self._list_clock.record(self.top_level, self.children)
        if self.schedule:
            self.schedule.finish()

    def _sync_changes(self) -> None:
        """Sync what changed below parents whose list takes long for the time limit."""
        if (limit := self._status.limit_seconds) is None:
            return
        phases = changes_phases(self.top_level, self.children, limit)
        end_seconds = phase_end_seconds(phases, limit)
        named_seconds = min(NAMED_PARENTS_SHARE * limit, end_seconds)
        for phase in phases:
            with phase.active(end_seconds):
                self._sync(phase.parent)
                ready = [child for child in self._in_turn(phase.children) if self._is_ready(child)]
                self._sync_named(ready, named_seconds)
                self._sync_recent_changes(ready)
            self._list_clock.changes_seconds = self._status.elapsed_seconds

    def _log_causes(self) -> None:
        self._failures.log_causes(
            has_access=self._session.client.has_access,
            has_path=self._session.settings.has_api_path,
        )

    @staticmethod
    def _in_turn(children: Iterable[ChildStream]) -> list[ChildStream]:
        return sorted(children, key=lambda child: (child.state_manager.last_completed, child.name))

    def _sync_children(self) -> None:
        found = [child for child in self._in_turn(self.children) if self._is_ready(child)]
        ready = [child for child in found if child.is_anything_due or child.name in self._begun]
        for child in found:
            if child not in ready:
                self._skip(child)
                self._record(child)
        for child in ready:
            pending = len(child.parent_order.pending)
            child.result.estimate.start(pending, child.parent_stream.plural_name)
        if (limit := self._status.limit_seconds) is not None:
            self._sync_named(ready, limit * NAMED_PARENTS_SHARE)
            self._sync_recent_changes(ready)
        with_closed_pass = self._postpone_closed_passes(ready)
        for child in ready:
            events = child.decision.events
            if limit is not None and events and child.is_batched:
                share = limit * NAMED_PARENTS_SHARE / len(ready)
                events.ends_at = time.monotonic() + share
            self._sync_or_report(child)
            if child not in with_closed_pass:
                self._record(child)
        for child in with_closed_pass:
            child.stages, child.pause_seconds = {Stage.CLOSED_PASS}, math.inf
            self._sync_or_report(child)
            self._record(child)

    def _skip(self, stream: SmokeballStream) -> None:
        """Read nothing of a stream."""
        stream.result.status = StreamStatus.NOT_DUE
        if isinstance(stream, ParentStream):
            stream.list_nothing()

    def _record(self, stream: SmokeballStream) -> None:
        if self.schedule:
            self.schedule.record(stream)

    def _sync_named(self, children: list[ChildStream], seconds: float) -> None:
        """Sync the parents that events name, within some seconds of the whole run.

        Each stream gets an equal share of the time that is left.
        """
        named = [child for child in children if child.decision.events and not child.is_batched]
        named = [child for child in named if child.parent_order.named_parents]
        self._named_end = min(self._named_end, time.monotonic() + seconds)
        for index, child in enumerate(named):
            events, now = cast("StreamEvents", child.decision.events), time.monotonic()
            events.ends_at = now + (self._named_end - now) / (len(named) - index)
            child.stages = {Stage.NAMED_PARENTS}
            self._sync(child)
            child.stages = frozenset(Stage)
            events.ends_at = now

    def _sync_or_report(self, child: ChildStream) -> None:
        """Sync a child stream, or report the parents that it could not read if no time is left."""
        if self._status.should_stop and not child.result.is_failed:
            try:
                child.report_failures()
            except UnreadParentsError as error:
                child.result.fail(error)
        self._sync(child)

    def _postpone_closed_passes(self, children: list[ChildStream]) -> list[ChildStream]:
        """Let the full passes over closed parents follow all others; return their streams.

        Not with batches, which are closed only at the end of a sync. With a time limit, a full pass
        that needs all the time of each run leaves some of it to those over closed parents.
        """
        found = [
            child
            for child in children
            if child.parent_order.last_stage is Stage.CLOSED_PASS and not child.is_batched
        ]
        for child in found:
            child.stages = frozenset(Stage) - {Stage.CLOSED_PASS}
        if found and self._status.limit_seconds is not None:
            elapsed = self._status.elapsed_seconds
            pause_seconds = elapsed + LIVE_SHARE * (self._status.limit_seconds - elapsed)
            for child in children:
                if not (child.replaces_table or child.is_batched):
                    child.pause_seconds = pause_seconds
        return sorted(
            found,
            key=lambda child: (child.parent_order.covered[-1].bookmarks.last_completed, child.name),
        )

    def sample(self, max_rows: int) -> None:
        """Read a few records of each stream, to test the connection."""
        for stream in (*self.top_level, *self.children):
            stream.ABORT_AT_RECORD_COUNT = max_rows
            stream.selected = True
        self._sync_all()

    def _sync_recent_changes(self, children: list[ChildStream]) -> None:
        """Sync the parents that changed since the last run.

        Not with batches, which are closed only at the end of a sync.
        """
        changed = [c for c in children if c.parent_order.has_recent_changes and not c.is_batched]
        for child in changed:
            child.stages = {Stage.RECENT_CHANGES}
            self._sync(child)
            child.stages = frozenset(Stage)

    def _is_ready(self, child: ChildStream) -> bool:
        parent_result = self._status.result(child.parent_stream.name)
        if parent_result.is_failed:
            child.result.fail(ParentListError(child.parent_stream.name))
            return False
        return not (self._status.should_stop or parent_result.status is StreamStatus.TIME_LIMIT)

    def _sync(self, stream: SmokeballStream) -> None:
        """Sync a stream, or more of one whose SCHEMA is written, unless the run must stop."""
        result = stream.result
        if self._status.should_stop or result.is_failed:
            return
        sync = stream.continue_sync if stream.name in self._begun else stream.sync
        self._begun.add(stream.name)
        started, state_before = time.monotonic(), stream.state_manager.snapshot()
        result.started_at = result.started_at or dotnet_ticks.now()
        try:
            with failures_kept(stream):
                sync()
                if stream.is_batched and not result.is_failed:
                    # The SDK writes one after each BATCH, and the last has none.
                    stream.write_state()
        finally:
            is_orderly = isinstance(stream.result.error, UnreadParentsError)
            if stream.result.is_failed and stream.is_batched and not is_orderly:
                # Its last records may not be written.
                stream.state_manager.restore(state_before)
                stream.write_state()
            result.seconds += time.monotonic() - started
            result.ended_at = dotnet_ticks.now()
            self._failures.log_new(has_access=self._session.client.has_access)
