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
"""

from __future__ import annotations

import sys
import time
from contextlib import closing, nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from tap_smokeball.errors import NotFoundError, SmokeballError, TimeLimitError
from tap_smokeball.run.request_estimate import request_count
from tap_smokeball.run.status import StreamStatus
from tap_smokeball.sync.base_stream import EXTRACTED_TICKS, SmokeballStream
from tap_smokeball.sync.named_parents import NamedParents
from tap_smokeball.sync.parent_failures import Failure, ParentFailures
from tap_smokeball.sync.parent_order import ParentOrder
from tap_smokeball.sync.schedule_state import ScheduleState

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from singer_sdk.helpers import types

    from tap_smokeball.api.pages import Row
    from tap_smokeball.sync.parent_list import Parent
    from tap_smokeball.sync.parent_order import ReadReason
    from tap_smokeball.sync.parent_stream import ParentStream

STATE_EVERY_PARENTS = 50
STATE_EVERY_SECONDS = 10.0


class ChildStream(SmokeballStream):
    """The rows of each row of a parent stream.

    Attributes:
        is_empty_if_not_found: Whether 404 means that a parent has no rows, not that it is gone.
        is_recursive: Whether the rows are found only by going from list to list.
        parent_stream: The parent stream.
        should_run_full_pass: Whether the next sync reads all parents, not only those that changed.
        should_read_named_only: Whether the next sync reads only the parents that events name.
    """

    parent_key: ClassVar[str]
    is_empty_if_not_found: ClassVar[bool] = False
    is_recursive: ClassVar[bool] = False

    parent_stream: ParentStream
    should_run_full_pass = True
    should_read_named_only = False

    @cached_property
    def parent_order(self) -> ParentOrder:
        """The parents to read; available once they are listed."""
        # A pass that replaces the table cannot span runs: each run would activate a version of its
        # own, and so delete what the run before has written.
        order = ParentOrder(
            self.name,
            self.parent_stream.listed,
            self.state_manager,
            is_resumable=not self.replaces_table,
            is_sample=self.sample_rows is not None,
        )
        order.is_full_pass_due = self.decision.is_full
        order.retries_unread = self.decision.retries_unread
        if events := self.decision.events:
            order.first_reasons.append(NamedParents(order, events))
        return order

    @cached_property
    def failures(self) -> ParentFailures:
        """The parents that this run could not read."""
        return ParentFailures(self.state_manager)

    @property
    def is_anything_due(self) -> bool:
        """Whether the run has anything to read of the stream."""
        return self.decision.is_full or bool(self.parent_order.pending)

    @property
    @override
    def sample_rows(self) -> int | None:
        # A sample of the parents cannot yield more than a sample of their rows.
        own_limit, parent_limit = super().sample_rows, self.parent_stream.sample_rows
        return parent_limit if own_limit is None else own_limit

    def requests_per_parent(self, rows: int) -> int:
        """Return how many requests it takes to read a parent with some rows."""
        return request_count(self.response_format, rows, self.session.settings.page_size)

    @override
    def read_records(self) -> Iterator[types.Record]:
        order, result = self.parent_order, self.result
        if self.sample_rows is None and not order.is_partial:
            order.forget_unlisted()
        failures = self.failures
        is_complete = True
        for reason in self._reasons():
            parents = reason.parents()
            if not reason.is_before_full_pass:
                self._begin_full_pass(len(parents))
            is_complete = yield from self._read_parents(reason, parents, failures)
            if not is_complete:
                break
        result.unread_parents = failures.count
        is_cut = any(reason.is_cut for reason in order.first_reasons)
        if is_cut or not (is_complete and self.should_run_full_pass):
            result.status = StreamStatus.TIME_LIMIT  # the runner may still start the full pass
        if self.should_run_full_pass:
            self.report_failures()

    def _reasons(self) -> Iterable[ReadReason]:
        if self.should_read_named_only:
            return self.parent_order.first_reasons
        return self.parent_order.todo(should_run_full_pass=self.should_run_full_pass)

    def _read_parents(
        self, reason: ReadReason, parents: list[Parent], failures: ParentFailures
    ) -> Generator[types.Record, None, bool]:
        """Yield the records of parents, in their order, and return whether all were tried.

        Args:
            reason: Why they are read.
            parents: The parents.
            failures: Takes those that cannot be read.
        """
        pool, estimate = self.session.pool, self.result.estimate
        since = self.state_manager.replication_start
        read = partial(self._read_parent, reason=reason, since=since, failures=failures)
        done = sampled = 0
        state_written_at = 0.0
        begun = self.session.client.clock.now()
        with closing(pool.map_ordered(reason.upcoming(parents), read)) as results:
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
                    sampled += row_count
                    if sampled >= self.sample_rows:
                        return True
                    continue
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
        failures.finish(reason)
        if not failures.are_undecided:
            self.complete_pass(reason.complete(parents), self.parent_order.pass_digest)
        return True

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
        self, parent: Parent, *, reason: ReadReason, since: int | None, failures: ParentFailures
    ) -> Iterator[list[Row]]:
        start = self._start_for(parent, since)
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

    def child_params(self, parent: Parent, since: int | None) -> dict[str, Any]:
        """Return the query parameters for the rows of a parent, except those of the page."""
        return self._params_from(self._start_for(parent, since))

    def _begin_full_pass(self, remaining: int) -> None:
        full_pass = self.parent_order.full_pass
        if full_pass.last_parent_id is None:
            ScheduleState(self.state_manager).start_full_pass(full_pass.started)
            return
        self.result.is_resumed = True
        listed = len(self.parent_stream.listed.parents)
        self.logger.info(
            "Resuming %s after %s of %s %s",
            self.name,
            f"{listed - remaining:,}",
            f"{listed:,}",
            self.parent_stream.plural_name,
        )

    def report_failures(self) -> None:
        """Log the parents that could not be read, and fail if that is not ordinary.

        Raises:
            UnreadParentsError: There are such parents; everything else was done.
        """
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
