"""Streams with children, and the fan-out over them.

Parents are listed first and in full, which is cheap: 500 a request. Then each child stream is read
parent by parent, in the order of their ids, ``burst`` requests at a time. A child stream has one
watermark, not one for each parent. That this loses nothing rests on two rules:

1. A pass over all parents counts from the moment at which their listing began, not from when a
   parent's turn came. What changes during the pass is stamped later, and is the next pass's.
2. A parent that changed since the watermark is read in full, not from the watermark. It may be
   new in the list (created, converted from a lead, reopened) with rows that are older. Bank
   accounts do not tell when they changed; nothing in one is older than the account itself.

A pass that is cut short remembers the last parent that is done, and goes on behind it. A parent
that appears meanwhile before that place changed after the pass began: rule 2 of the next pass.

A run begins with the parents that changed since the last one, in the order of their changes, and
only then sweeps on: what moved today is there today, though the sweep take a week of runs. With a
time limit this comes first for all child streams. It serves freshness alone. The sweep passes over
a parent for no other reason than that the same run has just read it, in full and after the pass
began; so when a pass is complete, each row that changed before it began was read after it began.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE as FULL_TABLE

from tap_smokeball.errors import NotFoundError
from tap_smokeball.run.request_estimate import pages
from tap_smokeball.run.status import StreamStatus
from tap_smokeball.sync.base_stream import EXTRACTED_TICKS, SmokeballStream
from tap_smokeball.sync.bookmarks import Pass
from tap_smokeball.sync.list_reader import NewestTimestamp
from tap_smokeball.sync.top_level_stream import TopLevelStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from singer_sdk.helpers import types

    from tap_smokeball.api.pagination import Row

STATE_EVERY_PARENTS = 50
STATE_EVERY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Parent:
    """A record that others hang below.

    Attributes:
        id: Its id.
        changed: Ticks of its last change; None if it does not tell, 0 if its kind never does.
        barren: Names of the child streams that have nothing below it, by what it says itself.
    """

    id: str
    changed: int | None
    barren: tuple[str, ...] = ()


class ParentStream(TopLevelStream):
    """A list of the whole firm whose rows have others below them.

    Attributes:
        plural_name: What its rows are called, in the plural.
    """

    plural_name: ClassVar[str]

    listed: list[Parent]
    """All its rows, by id; there once it was synced, if a child is selected."""
    listing_began: int
    """The server's clock in ticks when their listing began."""

    @override
    def read(self) -> Iterator[types.Record]:
        if not self.has_selected_descendents:
            yield from super().read()
            return
        since = self.starting_ticks
        reading = self.open({}, self.params(None))
        latest = NewestTimestamp(self.updated_at_field)
        listed = []
        for rows in reading:
            wanted = []
            for row in rows:
                changed = latest.see(row)
                listed.append(self.as_parent(row, changed))
                if self.selected and (since is None or changed is None or changed >= since):
                    wanted.append(row)
            yield from self.shaper.records(wanted, {EXTRACTED_TICKS: reading.began})
        self.listed = sorted(listed, key=lambda parent: parent.id)
        self.listing_began = reading.began
        self.finish(latest.bookmark(reading.began))

    def as_parent(self, row: Row, changed: int | None) -> Parent:
        """Return what the children need to know of a row that changed at that tick."""
        barren = tuple(name for name, only_below in self._choosy if not row.get(only_below))
        return Parent(row["id"], changed if self.updated_at_field else 0, barren)

    @cached_property
    def _choosy(self) -> list[tuple[str, str]]:
        """Children that have nothing below some parents, and the property that tells."""
        children = cast("list[ChildStream]", self.child_streams)
        return [
            (c.name, c.requires_parent_field)
            for c in children
            if c.selected and c.requires_parent_field
        ]


class ChildStream(SmokeballStream):
    """Rows below each row of another stream.

    Attributes:
        requires_parent_field: The property of a parent that is empty if it has no such rows.
        not_found_means_empty: Whether 404 means that a parent has none, not that it is gone.
        recursive: Whether the rows are found only by going from list to list.
    """

    parent_key: ClassVar[str]
    requires_parent_field: ClassVar[str | None] = None
    not_found_means_empty: ClassVar[bool] = False
    recursive: ClassVar[bool] = False

    _sweeps = True
    _schema_written = False

    def waiting_since(self) -> tuple[int, str]:
        """Return a sort key: when its last complete pass began, then its name."""
        return self.state_manager.last_pass(self._tap.settings.visible), self.name

    def prepare(self) -> None:
        """Find out how much there is to do, once the parents are listed."""
        if self._can_sync():
            steps = len(self.todo())
            self._tap.run.result(self.name).forecast.begin(steps, self._parents.plural_name)

    def todo(self) -> list[Parent]:
        """Return the listed parents that a run reads below, those that changed first."""
        changed = self._changed()
        before = {parent.id for parent in changed}
        return changed + [parent for parent in self._ahead() if parent.id not in before]

    def requests_below(self, rows: int) -> int:
        """Return how many requests it takes to read so many rows below one parent."""
        return pages(rows, self._tap.settings.page_size) if self.response_format.paged else 1

    def catch_up(self) -> None:
        """Sync only what hangs below parents that changed since the last run, if any did."""
        if self._can_sync() and self._changed():
            self._sweeps = False
            self.sync()
            self._sweeps = True

    @override  # type: ignore[misc]
    def sync(self, context: types.Context | None = None) -> None:
        if self._can_sync():
            super().sync(context)

    @override
    def _write_schema_message(self) -> None:
        """Write SCHEMA once a run.

        Private in the SDK. Overridden because a time limit makes two syncs of one: what changed,
        and the sweep.
        """
        if not self._schema_written:
            self._schema_written = True
            super()._write_schema_message()

    def _can_sync(self) -> bool:
        if self._tap.run.result(self._parents.name).failed:
            self._tap.run.result(self.name).fail(f"{self._parents.name} could not be listed")
            return False
        return not self._tap.run.is_over

    @override
    def read(self) -> Iterator[types.Record]:
        gone: list[Parent] = []
        yield from self._read_changed(gone)
        if self._sweeps:
            yield from self._sweep(gone)
        else:
            result = self._tap.run.result(self.name)
            result.outcome = StreamStatus.TIME_LIMIT  # unless the sweep still begins
        if gone:
            self.logger.warning(
                "%s: %d of %d %s are gone since they were listed (404)",
                self.name,
                len(gone),
                len(self._parents.listed),
                self._parents.plural_name,
            )

    def _read_changed(self, gone: list[Parent]) -> Iterator[types.Record]:
        def done(parent: Parent) -> None:
            self._read_ahead.add(parent.id)
            self.state_manager.catch_up(parent.changed or 0)

        todo = self._changed()
        count = yield from self._fan_out(todo, gone, done)
        if todo and count == len(todo):
            self.state_manager.catch_up((todo[-1].changed or 0) + 1)

    def _changed(self) -> list[Parent]:
        """Return the parents that changed since they were last read ahead, by time of change."""
        since = self.state_manager.caught_up(self._pass, self._tap.settings.visible)
        if since is None or self.is_sample:
            return []
        changed = [p for p in self._parents.listed if p.changed and p.changed >= since]
        return sorted(self._fertile(changed), key=lambda parent: (parent.changed, parent.id))

    def _sweep(self, gone: list[Parent]) -> Iterator[types.Record]:
        def done(parent: Parent) -> None:
            self.state_manager.advance(work, parent.id, self._tap.settings.visible)

        work = self._pass
        self._tap.run.result(self.name).resumed = work.after is not None
        todo = [p for p in self._ahead() if p.id not in self._read_ahead]
        if self.is_sample:
            todo = todo[:1]
        count = yield from self._fan_out(todo, gone, done)
        if count == len(todo):
            self.finish(work.watermark)
        else:
            self._tap.run.result(self.name).outcome = StreamStatus.TIME_LIMIT

    def _ahead(self) -> list[Parent]:
        after = self._pass.after
        return self._fertile([p for p in self._parents.listed if after is None or p.id > after])

    def _fertile(self, parents: list[Parent]) -> list[Parent]:
        return [parent for parent in parents if self.name not in parent.barren]

    def _fan_out(
        self,
        todo: list[Parent],
        gone: list[Parent],
        done: Callable[[Parent], None],
    ) -> Generator[types.Record, None, int]:
        """Yield the records below parents, in their order, and return how many were done.

        Args:
            todo: The parents.
            gone: Takes those that are not there any more.
            done: Called with each parent as all its records were taken.
        """
        parents = self._parents
        below = partial(self._rows_below, since=self.starting_ticks, gone=gone)
        forecast = self._tap.run.result(self.name).forecast
        count = 0
        written = 0.0
        with closing(self._tap.workers.in_order(todo, below)) as done_so_far:
            for parent, pieces in done_so_far:
                added = {self.parent_key: parent.id, EXTRACTED_TICKS: parents.listing_began}
                below_it = 0
                for rows in pieces:
                    below_it += len(rows)
                    yield from self.shaper.records(rows, added)
                count += 1
                forecast.step(self.requests_below(below_it))
                if self.is_sample:
                    continue
                done(parent)
                due = count % STATE_EVERY_PARENTS == 0
                late = time.monotonic() - written > STATE_EVERY_SECONDS
                if (due or late) and not self.in_batches:
                    written = time.monotonic()
                    self._write_state_message()
        if count < len(todo):
            self._tap.run.check()
        return count

    @cached_property
    def _parents(self) -> ParentStream:
        found = (s for s in self._tap.streams.values() if type(s) is self.parent_stream_type)
        return cast("ParentStream", next(found))

    @cached_property
    def _pass(self) -> Pass:
        began = self._parents.listing_began
        # A pass that replaces the table cannot be spread over runs: each would activate a version
        # of its own, and so delete what the run before has written.
        if self.emit_activate_version_messages and self.replication_method == FULL_TABLE:
            return Pass(began)
        return self.state_manager.begin(began, self._tap.settings.visible)

    @cached_property
    def _read_ahead(self) -> set[str]:
        """Ids of the parents that this run has read ahead of the sweep."""
        return set()

    def read_below(self, ids: dict[str, str], params: dict[str, Any]) -> Iterator[list[Row]]:
        """Yield the rows below one parent, in pieces; called in a worker.

        Args:
            ids: Values for the placeholders of the path.
            params: Query parameters besides the page's.

        Raises:
            NotFoundError: The parent is gone.
        """
        yield from self.open(ids, params)

    def params_below(self, parent: Parent, since: int | None) -> dict[str, Any]:
        """Return the query parameters for what is below a parent, less the page's.

        Args:
            parent: The parent; if it changed since, all that is below it is asked for.
            since: From when on rows are wanted, in ticks.
        """
        if since is None or parent.changed is None or parent.changed >= since:
            since = self._tap.settings.start_ticks
        return self.params(since)

    def _rows_below(
        self, parent: Parent, *, since: int | None, gone: list[Parent]
    ) -> Iterator[list[Row]]:
        ids, params = {self.parent_key: parent.id}, self.params_below(parent, since)
        try:
            for rows in self.read_below(ids, params):
                yield rows
                if self.is_sample:
                    return
        except NotFoundError:
            if not self.not_found_means_empty:
                gone.append(parent)
