"""Child streams: the rows of each parent, read for many parents at the same time.

The parents are listed first and in full. Then a child stream reads parent by parent, in an order
that `tap_smokeball.sync.parent_order` decides, with up to ``burst`` requests in flight. It has one
bookmark, not one for each parent. Three rules make that lossless:

1. A pass over all parents counts from the time at which their listing started, not from when a
   parent's turn came. A row that changes during the pass is newer than that: the next pass reads
   it.
2. A parent that changed since the bookmark is read in full, not from the bookmark. It may be new in
   the list (created, converted from a lead, reopened) with rows that are older.
3. A parent that came into view without a change is read in full as well: the digest of the listed
   parents shows it (`tap_smokeball.sync.parent_digest`).

A pass that is interrupted remembers the last parent that is done, and resumes after it. A parent
that appears before that position changed after the pass started: rule 2 of the next pass.

Closed parents may have a pass of their own: `tap_smokeball.sync.closed_parents`.
"""

from __future__ import annotations

import math
import sys
import time
from contextlib import closing, nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from tap_smokeball.errors import NotFoundError, SmokeballError, TimeLimitError
from tap_smokeball.run.request_estimate import RequestEstimate, request_count
from tap_smokeball.run.status import StreamStatus
from tap_smokeball.sync.base_stream import EXTRACTED_TICKS
from tap_smokeball.sync.closed_parents import ClosedParents, split_state
from tap_smokeball.sync.covered_parents import CoveredParents
from tap_smokeball.sync.named_parents import NamedParents
from tap_smokeball.sync.parent_failures import Failure, ParentFailures
from tap_smokeball.sync.parent_order import ParentOrder, Stage
from tap_smokeball.sync.read_decision import ReadMode
from tap_smokeball.sync.schedule_state import ScheduleState
from tap_smokeball.sync.two_pass_stream import TwoPassStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Generator, Iterator

    from singer_sdk.helpers import types

    from tap_smokeball.api.pages import Row
    from tap_smokeball.sync.parent_list import Parent
    from tap_smokeball.sync.parent_order import ReadReason

STATE_EVERY_PARENTS = 50
STATE_EVERY_SECONDS = 10.0


class ChildStream(TwoPassStream):
    """The rows of each row of a parent stream.

    Attributes:
        is_empty_if_not_found: Whether 404 means that a parent has no rows, not that it is gone.
        is_recursive: Whether the rows are found only by going from list to list.
        stages: The stages of the run that the next sync works on.
        pause_seconds: Age of the run at which the next sync makes room for another stage.
    """

    parent_key: ClassVar[str]
    is_empty_if_not_found: ClassVar[bool] = False
    is_recursive: ClassVar[bool] = False

    _is_cut = _has_reported = False
    _read_first: Collection[Parent] = ()
    stages: Container[Stage] = frozenset(Stage)
    pause_seconds: float = math.inf

    @cached_property
    def parent_order(self) -> ParentOrder:
        """The parents to read; available once they are listed."""
        listed, is_sample = self.parent_stream.listed, self.sample_rows is not None
        # A pass that replaces the table cannot span runs: each run would activate a version of its
        # own, and so delete what the run before has written.
        cover = partial(CoveredParents, is_resumable=not self.replaces_table, is_sample=is_sample)
        closed = None
        if is_sample or self.closed_bookmarks is None:
            live = cover(listed, self.state_manager)
        else:
            parts = listed.part(is_closed=False), listed.part(is_closed=True)
            if not listed.is_partial:
                split_state(self.state_manager, self.closed_bookmarks, listed, parts)
            live = cover(parts[0], self.state_manager)
            closed = ClosedParents(parts[1], self.closed_bookmarks, self.session.settings)
            is_due = closed.is_due or self.misses_closed_events
            closed.is_due = is_due and self.decision.is_full
        live.is_due = self.decision.is_live_pass_due
        order = ParentOrder(self.name, listed, live, closed, is_sample=is_sample)
        order.read_ids = self.failures.undecided_ids
        if self._read_first:
            order.read_ids |= {p.id for p in listed.parents if p in self._read_first}
        order.retries_unread = self.decision.retries_unread
        order.precedes_full_pass = self.decision.next_mode is ReadMode.FULL
        if events := self.decision.events:
            order.first_reasons.append(NamedParents(order, events))
        return order

    @cached_property
    def failures(self) -> ParentFailures:
        """The parents that this run could not read."""
        return ParentFailures(self.state_manager)

    @property
    def skip_reason(self) -> str:
        """Why runs skip the stream, or "" if they do not."""
        return ""

    @property
    def is_anything_due(self) -> bool:
        """Whether the run has anything to read of the stream."""
        return self.decision.is_full or bool(self.parent_order.pending)

    @property
    @override
    def sample_rows(self) -> int | None:
        # A sample of the parents cannot yield more than a sample of their rows.
        own_limit = super().sample_rows
        parent_limit = self.parent_stream.ABORT_AT_RECORD_COUNT
        return parent_limit if own_limit is None else own_limit

    def requests_per_parent(self, rows: int) -> int:
        """Return how many requests it takes to read a parent with some rows."""
        return request_count(self.response_format, rows, self.session.settings.page_size)

    @override
    def read_pieces(self) -> Iterator[list[types.Record]]:
        order, result = self.parent_order, self.result
        if self.sample_rows is None and not order.is_partial:
            order.forget_unlisted()
        failures = self.failures
        for reason in order.todo(self.stages):
            parents = reason.parents()
            if self.sample_rows is not None:
                yield from self._read_sample(reason, parents, failures)
                continue
            if reason.full_pass is not None:
                self._begin_full_pass(reason.full_pass, len(parents))
            is_complete = yield from self._read_parents(reason, parents, failures)
            if not is_complete:
                self._is_cut = True
                break
        result.unread_parents = failures.count
        is_cut = self._is_cut or any(reason.is_cut for reason in order.first_reasons)
        is_last = order.last_stage in self.stages and self.decision.next_mode is None
        if is_cut or not is_last:
            result.status = StreamStatus.TIME_LIMIT  # the runner may still start the next stage
        if is_last:
            self.report_failures()

    def finish_changes(self) -> None:
        """Let the list of all parents replace that of the changed ones.

        What was read in full, and has not changed since, need not be read again: the full pass
        counts from the list of the changed parents, which came before.
        """
        order = self.parent_order
        start_of = order.replication_starts()
        read = (parent for parent in order.with_children if parent.id in order.read_ids)
        self._read_first = {p for p in read if self._start_for(p, start_of(p)) is None}
        del self.parent_order
        self._is_cut, self.pause_seconds = False, math.inf
        self.result.estimate = RequestEstimate()

    def _read_sample(
        self, reason: ReadReason, parents: list[Parent], failures: ParentFailures
    ) -> Iterator[list[types.Record]]:
        """Yield the records of the first parent that has some, to test the connection."""
        for parent in parents:
            yield from self._read_parents(reason, [parent], failures)
            if self.result.rows:
                return

    def _read_parents(
        self, reason: ReadReason, parents: list[Parent], failures: ParentFailures
    ) -> Generator[list[types.Record], None, bool]:
        """Yield the records of parents, in their order, and return whether all were tried.

        Args:
            reason: Why they are read.
            parents: The parents.
            failures: Takes those that cannot be read.
        """
        pool, estimate = self.session.pool, self.result.estimate
        start_of = self.parent_order.replication_starts()
        read = partial(self._read_parent, reason=reason, start_of=start_of, failures=failures)
        can_pause = reason.full_pass or self.decision.next_mode
        should_pause = self._should_pause if can_pause else bool
        done = 0
        state_written_at = 0.0
        begun = self.session.client.clock.now()
        with closing(pool.map_ordered(reason.upcoming(parents), read, should_pause)) as results:
            for parent, pieces in results:
                row_count = 0
                try:
                    for rows in pieces:
                        row_count += len(rows)
                        yield from self.build_records(rows, self._tap_columns(parent, begun))
                except TimeLimitError as error:
                    self.stop_at_time_limit(failures.undecided_cut or error)
                    return False
                done += 1
                estimate.add_step(self.requests_per_parent(row_count))
                if self.sample_rows is not None:
                    failures.raise_first()
                    return True
                failures.settle(parent, reason)
                is_due = done % STATE_EVERY_PARENTS == 0
                is_late = time.monotonic() - state_written_at > STATE_EVERY_SECONDS
                if (is_due or is_late) and not self.is_batched:
                    state_written_at = time.monotonic()
                    self.write_state()
        if done < len(parents):
            self.session.status.raise_if_stopped()
            if self.session.status.should_stop or not reason.is_cut:
                return False
        self._complete(reason, parents, failures)
        return True

    def _should_pause(self) -> bool:
        return self.session.status.elapsed_seconds >= self.pause_seconds

    def _complete(
        self, reason: ReadReason, parents: list[Parent], failures: ParentFailures
    ) -> None:
        failures.finish(reason)
        if failures.are_undecided:
            return
        reason.complete(parents)
        if reason.full_pass and self.selected and self.sample_rows is None:
            reason.full_pass.complete_pass()

    def _tap_columns(self, parent: Parent, begun: int) -> dict[str, Any]:
        """Return the columns of the tap for rows of a parent.

        Args:
            parent: The parent.
            begun: This machine's clock before the read, which counts if no parents were listed.
        """
        clock, listed_at = self.session.client.clock, self.parent_stream.listed.started
        return {
            self.parent_key: parent.id,
            EXTRACTED_TICKS: listed_at or clock.earlier_of_both(begun),
        }

    def _read_parent(
        self,
        parent: Parent,
        *,
        reason: ReadReason,
        start_of: Callable[[Parent], int | None],
        failures: ParentFailures,
    ) -> Iterator[list[Row]]:
        start = self._start_for(parent, start_of(parent))
        transport = self.session.client.transport
        # A parent that hangs at each attempt must not use up the time of every run.
        retries = transport.fewer_retries() if reason.is_failure_expected else nullcontext()
        ids, params = {self.parent_key: parent.id}, self._params_from(start)
        try:
            with retries:
                for rows in self.read_children(ids, params):
                    yield rows
                    if self.sample_rows is not None:
                        return
        except SmokeballError as error:
            # If other parents succeed after this one, it must not hold each run at its position.
            is_cut = isinstance(error, TimeLimitError) and error.is_single
            if error.is_shared and not is_cut:
                raise
            if not (self.is_empty_if_not_found and isinstance(error, NotFoundError)):
                failures.add(Failure(parent, error, start, reason))

    def _start_for(self, parent: Parent, since: int | None) -> int | None:
        """Return the ticks from which on rows of a parent are wanted, or None for all its rows.

        Args:
            parent: The parent; if it changed since or came into view, all its rows are wanted.
            since: The start for parents that did not change and could always be read.
        """
        if self.parent_order.is_newly_visible(parent):
            return None
        since = self.parent_order.unread_since(parent, since)
        if since is None or parent.changed is None or parent.changed >= since:
            return None
        return since

    def _params_from(self, start: int | None) -> dict[str, Any]:
        return self.params(self.session.settings.start_ticks if start is None else start)

    def child_params(self, parent: Parent) -> dict[str, Any]:
        """Return the query parameters for the rows of a parent, except those of the page."""
        start_of = self.parent_order.replication_starts()
        return self._params_from(self._start_for(parent, start_of(parent)))

    def _begin_full_pass(self, covered: CoveredParents, remaining: int) -> None:
        if covered.full_pass.last_parent_id is None:
            ScheduleState(self.state_manager).start_full_pass(
                covered.full_pass.started, is_closed=covered is self.parent_order.closed
            )
            return
        self.result.is_resumed = True
        listed = len(covered.listed.parents)
        self.logger.info(
            "Resuming %s after %s of %s %s",
            self.name,
            f"{listed - remaining:,}",
            f"{listed:,}",
            f"{covered.kind} {self.parent_stream.plural_name}".strip(),
        )

    def report_failures(self) -> None:
        """Log the parents that could not be read, and fail if that is not ordinary.

        Raises:
            UnreadParentsError: There are such parents; everything else was done.
        """
        if self._has_reported:
            return
        self._has_reported = True
        for line in self.failures.describe(self.name, self.parent_stream.plural_name):
            self.logger.warning("%s", line)
        if error := self.failures.error(
            self.parent_stream.plural_name,
            fail_on_denial=self.session.settings.fail_on_denied_parents,
        ):
            raise error

    def read_children(self, ids: dict[str, str], params: dict[str, Any]) -> Iterator[list[Row]]:
        """Yield the rows of one parent, in pieces; called in a worker.

        Args:
            ids: Values for the placeholders of the path.
            params: Query parameters except those of the page.

        Raises:
            NotFoundError: The parent no longer exists.
        """
        yield from self.read_list(ids, params)
