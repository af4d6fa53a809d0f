"""Parent streams: top-level streams whose rows have child records."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from tap_smokeball import dotnet_ticks
from tap_smokeball.sync.base_stream import EXTRACTED_TICKS
from tap_smokeball.sync.newest_timestamp import NewestTimestamp
from tap_smokeball.sync.parent_digest import bucket_of
from tap_smokeball.sync.parent_list import Parent, ParentList
from tap_smokeball.sync.schedule_state import ScheduleState
from tap_smokeball.sync.top_level_stream import TopLevelStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from singer_sdk.helpers import types

    from tap_smokeball.api.pages import Row
    from tap_smokeball.sync.base_stream import SmokeballStream


SAMPLED_PARENTS = 10
"""Parents that a test of the connection tries, until one has rows."""


class EmbeddedRows(Protocol):
    """A child stream that takes its rows from the rows of its parents."""

    embedding_field: ClassVar[str]

    @property
    def is_embedded(self) -> bool:
        """Whether this run does so."""

    def keep_rows(self, parent: Row) -> None:
        """Keep the rows in the row of a parent."""


class ParentStream(TopLevelStream):
    """A top-level stream whose rows have child records.

    The parents are listed in full, which is cheap: 500 per request. A record is emitted only for
    those that changed.

    Attributes:
        plural_name: What its rows are called, as ``bank accounts``.
        closed_values: The values by which a row is closed: it must have one of them in each of
            these fields. Empty if rows are never closed.
        listed: All its rows; set once the stream was synced, if a child stream is selected.
    """

    plural_name: ClassVar[str]
    closed_values: ClassVar[tuple[tuple[str, tuple[object, ...]], ...]] = ()
    listed: ParentList
    has_usual_rows = False  # child streams read more of them than the records have

    _changes_listed_at: int | None = None

    @property
    @override
    def sample_rows(self) -> int | None:
        # The first parent may have no rows, which says nothing about the child stream.
        rows = super().sample_rows
        if rows is None or not self.has_selected_descendents:
            return rows
        return max(rows, SAMPLED_PARENTS)

    @override
    def read_pieces(self) -> Iterator[list[types.Record]]:
        if not self.has_selected_descendents:
            yield from super().read_pieces()
            return
        if not self.decision.is_full:
            yield from self._read_changes()
            return
        before = self.state_manager.parent_digest
        start = self.session.settings.start_ticks
        since = start if before is None else self.state_manager.replication_start
        reader = self.read_list({}, self.params(None))
        newest = NewestTimestamp(self.updated_at_field)
        parents: dict[str, Parent] = {}  # a row that changed without a new version comes again
        for rows in reader:
            wanted = []
            for row in rows:
                changed = newest.add(row)
                parents[str(row["id"])] = self.as_parent(row, changed)
                if self.selected and (since is None or changed is None or changed >= since):
                    wanted.append(row)
            wanted = wanted[: self.ABORT_AT_RECORD_COUNT]
            yield from self.build_records(wanted, {EXTRACTED_TICKS: reader.started})
        # Child streams may have read changed parents since these were listed.
        started = min(reader.started, self._changes_listed_at or reader.started)
        by_id = sorted(parents.values(), key=lambda parent: parent.id)
        self.listed = ParentList(by_id, started)
        digest = self.listed.digest if self.state_manager.is_incremental else None
        if self.selected and digest is not None and self.sample_rows is None:
            buckets = self.listed.newly_visible(before, since)
            missing = {
                parent.id
                for parent in (by_id if buckets else ())
                if bucket_of(parent.id) in buckets
                and parent.changed is not None
                and (start or 0) <= parent.changed < (since or 0)
            }
            yield from self._read_newly_visible(missing)
            digest = digest.with_unknown(bucket_of(id_) for id_ in missing)
        self.complete_pass(newest.bookmark(reader.started), digest)

    @property
    def is_view_restricted(self) -> bool:
        """Whether settings hide rows whose child records the API would still send."""
        return False

    @property
    def can_list_changes(self) -> bool:
        """Whether a filtered list can take the place of the whole one between full passes."""
        return (
            self.updated_since_filter is not None
            and self.updated_at_field is not None
            and not self.replaces_table
            and (self.state_manager.is_incremental or not self.selected)
        )

    @property
    def _changes_starts(self) -> list[int]:
        """From which change on each child stream wants parents, unless its first pass starts."""
        now = dotnet_ticks.now()
        starts = (
            child.state_manager.changed_parents_start(child.state_manager.current_pass(now))
            for child in self._selected_children
        )
        return [start for start in starts if start is not None]

    @property
    def has_changes_start(self) -> bool:
        """Whether it is known since when changes matter: not before the first full pass."""
        if self.selected:
            return self.state_manager.last_completed > 0
        return bool(self._changes_starts)

    def _read_changes(self) -> Iterator[list[types.Record]]:
        """Yield the records that changed since the last read, and list these parents.

        The bookmark and the digest stay: only a list of all parents shows which came into view.
        """
        state = ScheduleState(self.state_manager)
        settings = self.session.settings
        own_start = max(self.state_manager.last_completed, state.changes_read_until)
        starts = self._changes_starts
        if self.selected:
            starts.append(own_start)
        first = max(min(starts) - settings.lookback_ticks, settings.start_ticks or 0)
        since = max(own_start - settings.lookback_ticks, settings.start_ticks or 0)
        reader = self.read_list({}, self.params(first))
        newest = NewestTimestamp(self.updated_at_field)
        parents: dict[str, Parent] = {}  # a row that changed without a new version comes again
        for rows in reader:
            wanted = []
            for row in rows:
                changed = newest.add(row)
                parents[str(row["id"])] = self.as_parent(row, changed)
                if self.selected and (changed is None or changed >= since):
                    wanted.append(row)
            yield from self.build_records(wanted, {EXTRACTED_TICKS: reader.started})
        by_id = sorted(parents.values(), key=lambda parent: parent.id)
        self._changes_listed_at = reader.started
        self.listed = ParentList(by_id, reader.started, is_partial=True)
        if self.selected and (until := newest.bookmark(reader.started)) is not None:
            state.record_changes_read(until)

    def list_nothing(self) -> None:
        """Let the child streams read what events name, without a list of their parents."""
        self.listed = ParentList([], 0, is_partial=True)

    def _read_newly_visible(self, missing: set[str]) -> Iterator[list[types.Record]]:
        """Yield the records of parents, and remove their ids from those that are missing.

        Which these are is known only at the end of the list, and rows are not kept: it is read
        again, one request for each page.
        """
        if not missing:
            return
        self.logger.info(
            "%s: some came into view or vanished without a change; reading the list again for %s "
            "of them",
            self.name,
            f"{len(missing):,}",
        )
        reader = self.read_list({}, self.params(None))
        for rows in reader:
            wanted = [row for row in rows if row["id"] in missing]
            missing.difference_update(row["id"] for row in wanted)
            yield from self.build_records(wanted, {EXTRACTED_TICKS: reader.started})

    def read_parents(self) -> Iterator[Parent]:
        """Yield all parents, without a record."""
        newest = NewestTimestamp(self.updated_at_field)
        parents = {
            str(row["id"]): self.as_parent(row, newest.add(row))
            for rows in self.read_list({}, self.params(None))
            for row in rows
        }
        yield from parents.values()

    @override
    def sync_records(self, *, write_messages: bool = True) -> Generator[dict[str, Any], Any, Any]:
        yield from super().sync_records(write_messages=write_messages)
        if write_messages:
            self._sync_child_streams()

    @override
    def get_batches(self, *arguments: Any, **keywords: Any) -> Iterator[Any]:
        yield from super().get_batches(*arguments, **keywords)
        # Not before: their STATE messages hold the bookmark of this stream, and its last BATCH is
        # written by now.
        self._sync_child_streams()

    def _sync_child_streams(self) -> None:
        """Sync the child streams if the SDK drives the run: it expects parents to do that."""
        if not self.session.status.is_supervised:
            for child in self._selected_children:
                child.sync()

    def as_parent(self, row: Row, changed: int | None) -> Parent:
        """Return what child streams need to know of a row that changed at some ticks."""
        childless_for = tuple(
            child.name
            for child in self._conditional_children
            if not row.get(str(child.required_parent_field))
        )
        is_closed = bool(self.closed_values) and all(
            row.get(name) in values for name, values in self.closed_values
        )
        for child in self.embedded_children:
            child.keep_rows(row)
        changed = changed if self.updated_at_field else 0
        return Parent(str(row["id"]), changed, childless_for, is_closed)

    @property
    def _selected_children(self) -> list[SmokeballStream]:
        children = cast("list[SmokeballStream]", self.child_streams)
        return [child for child in children if child.selected]

    @cached_property
    def embedded_children(self) -> list[EmbeddedRows]:
        """The child streams that take rows from the list of parents."""
        found = [child for child in self._selected_children if child.embedding_field]
        return [child for child in cast("list[EmbeddedRows]", found) if child.is_embedded]

    @cached_property
    @override
    def wanted_fields(self) -> list[str]:
        embedding = {child.embedding_field for child in self.embedded_children}
        wanted = {*super().wanted_fields, *embedding}
        return [name for name in self.opt_in_fields if name in wanted]

    @cached_property
    def _conditional_children(self) -> list[SmokeballStream]:
        """The child streams that have no rows for some parents."""
        return [child for child in self._selected_children if child.required_parent_field]
