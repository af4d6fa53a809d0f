"""Which parents a child stream reads, and in which order: one class for each reason to read one.

A run first retries some of the parents that earlier runs could not read. Then it reads the parents
that changed since the last run, in the order of their changes, then those that came into view, and
continues the full pass: what changed today is there today, even if the full pass takes a week of
runs. With a time limit this comes first for all child streams. It serves freshness alone: the full
pass skips a parent only because the same run has just tried to read it, after the pass started. So
when a pass is complete, each row that changed before it started was read after that, or its parent
is remembered as unread.

A new reason is a new class in `REASONS`.
"""

from __future__ import annotations

import abc
import sys
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from tap_smokeball.sync.bookmarks import SyncPass
from tap_smokeball.sync.parent_digest import bucket_of
from tap_smokeball.sync.parent_list import Parent

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_smokeball.errors import SmokeballError
    from tap_smokeball.sync.bookmarks import BookmarkManager
    from tap_smokeball.sync.parent_digest import ParentDigest
    from tap_smokeball.sync.parent_list import ParentList


MAX_RETRIED_PARENTS = 20
"""Unread parents of a stream that one run retries, so that they do not starve the others."""


MAX_NEWLY_VISIBLE_PARENTS = 200
"""Newly visible parents that a run reads before its full pass."""


class ParentOrder:
    """The parents that one child stream reads in one run.

    Args:
        stream: Name of the child stream.
        listed: All parents.
        bookmarks: The state of the child stream.
        is_resumable: Whether a full pass can span several runs.
        is_sample: Whether a few parents suffice, to test the connection.

    Attributes:
        full_pass: The full pass that the run continues or starts.
        newly_visible_buckets: Buckets of the parents that came into view since the full pass
            started, or since the last one if a new one starts.
        pass_digest: Digest of the parents that the full pass covers; None without a bookmark.
        read_ids: Ids of the parents that this run has read, or tried to read, already.
        unread: Ids of the parents that earlier runs could not read, with the ticks to read from.
        is_full_pass_due: Whether the run continues or starts the full pass.
        retries_unread: Whether the run retries unread parents although no full pass is due.
        first_reasons: Reasons that precede those of `REASONS`.
    """

    def __init__(
        self,
        stream: str,
        listed: ParentList,
        bookmarks: BookmarkManager,
        *,
        is_resumable: bool,
        is_sample: bool,
    ) -> None:
        self.bookmarks = bookmarks
        self.is_sample = is_sample
        self.is_full_pass_due = True
        self.retries_unread = False
        self.full_pass = SyncPass(listed.started)
        if is_resumable:
            self.full_pass = bookmarks.current_pass(listed.started)
        self.pass_digest: ParentDigest | None = None
        self.newly_visible_buckets: frozenset[int] = frozenset()
        self._full_buckets: frozenset[int] = frozenset()
        if bookmarks.is_incremental and not is_sample:
            self._compare_digests(listed)
        self.read_ids: set[str] = set()
        self.unread = bookmarks.unread_parents
        self.first_reasons: list[ReadReason] = []
        self._stream = stream
        self._listed = listed

    @property
    def is_partial(self) -> bool:
        """Whether not all parents are listed."""
        return self._listed.is_partial

    @cached_property
    def with_children(self) -> list[Parent]:
        """The parents that may have rows, by id."""
        return [p for p in self._listed.parents if self._stream not in p.childless_for]

    @cached_property
    def reasons(self) -> list[ReadReason]:
        """The reasons to read parents, in order."""
        reasons = [*self.first_reasons, *(reason(self) for reason in REASONS)]
        if self.is_full_pass_due:
            return reasons
        return [r for r in reasons if r.is_between_full_passes]

    @property
    def pending(self) -> list[Parent]:
        """The parents that the run reads, in order, each once."""
        by_id = {p.id: p for reason in self.reasons for p in reason.parents()}
        return list(by_id.values())

    @property
    def named_parents(self) -> list[Parent]:
        """The parents that precede all others, because events name them."""
        return [parent for reason in self.first_reasons for parent in reason.parents()]

    @property
    def has_recent_changes(self) -> bool:
        """Whether there are parents to read before any full pass."""
        return any(reason.parents() for reason in self._before_full_pass())

    def _compare_digests(self, listed: ParentList) -> None:
        before, full_pass = self.bookmarks.parent_digest, self.full_pass
        in_view = listed.newly_visible(before, self.bookmarks.replication_start)
        self.pass_digest = listed.digest
        if full_pass.last_parent_id is not None:
            # Those before the position would not get their turn in this pass.
            before = full_pass.digest
            missed = listed.newly_visible(before, full_pass.started)
            self.pass_digest = listed.digest.with_unknown(missed)
            self._full_buckets = in_view | missed
            in_view = missed
        else:
            self._full_buckets = in_view
        if before is not None:
            self.newly_visible_buckets = in_view

    def is_newly_visible(self, parent: Parent) -> bool:
        """Return whether a parent may have come into view without a change."""
        return bool(self._full_buckets) and bucket_of(parent.id) in self._full_buckets

    def cover_all_listed(self) -> None:
        """Let the full pass cover all parents that are listed now."""
        if self.pass_digest is not None:
            self.pass_digest = self._listed.digest

    def unread_since(self, parent: Parent, since: int | None) -> int | None:
        """Return the ticks from which on rows of a parent are wanted.

        Args:
            parent: The parent.
            since: The start for parents that could always be read; None for all rows.
        """
        if since is None or parent.id not in self.unread:
            return since
        earlier = self.unread[parent.id]
        return None if earlier is None else min(since, earlier)

    def forget_unlisted(self) -> None:
        """Forget unread parents that no longer exist."""
        listed = {parent.id for parent in self._listed.parents}
        if vanished := self.unread.keys() - listed:
            self.bookmarks.remove_unread_parents(vanished)
            self.bookmarks.doubt_parents(vanished)

    def todo(self, *, should_run_full_pass: bool) -> Iterator[ReadReason]:
        """Yield the reasons to read parents now, in order."""
        yield from self.reasons if should_run_full_pass else self._before_full_pass()

    def _before_full_pass(self) -> Iterator[ReadReason]:
        return (reason for reason in self.reasons if reason.is_before_full_pass)


class ReadReason(abc.ABC):
    """A reason to read parents.

    Attributes:
        is_before_full_pass: Whether a run with a time limit reads these parents for all child
            streams before it continues any full pass.
        is_between_full_passes: Whether a run reads these parents also if no full pass is due.
        is_failure_expected: Whether many failures in a row are no sign of a failed stream.
        remembers_failures: Whether the state remembers parents that cannot be read.
    """

    is_before_full_pass: ClassVar[bool]
    is_between_full_passes: ClassVar[bool] = False
    is_failure_expected: ClassVar[bool] = False
    remembers_failures: ClassVar[bool] = True

    def __init__(self, order: ParentOrder) -> None:
        self.order = order
        self.bookmarks = order.bookmarks

    @abc.abstractmethod
    def parents(self) -> list[Parent]:
        """Return the parents to read, in order."""

    @property
    def is_cut(self) -> bool:
        """Whether the reason has used up its share of the run's time."""
        return False

    def upcoming(self, parents: list[Parent]) -> Iterable[Parent]:
        """Return the parents one by one, as long as there is time."""
        return parents

    def drops(self, parent: Parent, error: SmokeballError) -> bool:
        """Decide about a parent that cannot be read if `remembers_failures` is false.

        Returns:
            Whether the failure is of no importance.
        """
        del parent, error
        return False

    @abc.abstractmethod
    def checkpoint(self, parent: Parent) -> None:
        """Remember that all rows of a parent were written."""

    @abc.abstractmethod
    def complete(self, parents: list[Parent]) -> int | None:
        """Remember that all these parents were read; return the ticks that the bookmark reached."""


class UnreadParents(ReadReason):
    """Parents that earlier runs could not read, those first that waited longest."""

    is_before_full_pass = True
    is_between_full_passes = True
    is_failure_expected = True

    @override
    def parents(self) -> list[Parent]:
        if self.order.is_sample or not (self.order.is_full_pass_due or self.order.retries_unread):
            return []
        by_id = {parent.id: parent for parent in self.order.with_children}
        if self.order.is_partial:
            by_id = {id_: by_id.get(id_, Parent(id_, 0)) for id_ in self.order.unread}
        unread = [by_id[id_] for id_ in self.order.unread if id_ in by_id]
        return [p for p in unread if p.id not in self.order.read_ids][:MAX_RETRIED_PARENTS]

    @override
    def checkpoint(self, parent: Parent) -> None:
        self.order.read_ids.add(parent.id)

    @override
    def complete(self, parents: list[Parent]) -> None:
        """Do nothing: what was read is no longer unread."""


class ChangedParents(ReadReason):
    """Parents that changed since the last run, in the order of their changes."""

    is_before_full_pass = True
    is_between_full_passes = True

    @override
    def parents(self) -> list[Parent]:
        since = self.bookmarks.changed_parents_start(self.order.full_pass)
        if since is None or self.order.is_sample:
            return []
        changed = [
            parent
            for parent in self.order.with_children
            if parent.changed and parent.changed >= since and parent.id not in self.order.read_ids
        ]
        return sorted(changed, key=lambda parent: (parent.changed, parent.id))

    @override
    def checkpoint(self, parent: Parent) -> None:
        self.order.read_ids.add(parent.id)
        self.bookmarks.record_changes_read(parent.changed or 0)

    @override
    def complete(self, parents: list[Parent]) -> None:
        if parents:
            self.bookmarks.record_changes_read((parents[-1].changed or 0) + 1)


class NewlyVisibleParents(ReadReason):
    """Parents that came into view without a change, such as a matter with new permissions.

    If there are very many, they wait for their turn in a full pass, which remembers its position.
    """

    is_before_full_pass = True

    @override
    def parents(self) -> list[Parent]:
        buckets = self.order.newly_visible_buckets
        if not buckets:
            return []
        found = [parent for parent in self.order.with_children if bucket_of(parent.id) in buckets]
        if len(found) > MAX_NEWLY_VISIBLE_PARENTS:
            return []
        return [parent for parent in found if parent.id not in self.order.read_ids]

    @override
    def checkpoint(self, parent: Parent) -> None:
        self.order.read_ids.add(parent.id)

    @override
    def complete(self, parents: list[Parent]) -> None:
        if parents:
            self.order.cover_all_listed()


class FullPass(ReadReason):
    """All parents by id, from where the unfinished pass was interrupted."""

    is_before_full_pass = False

    @override
    def parents(self) -> list[Parent]:
        last_id = self.order.full_pass.last_parent_id
        return [
            parent
            for parent in self.order.with_children
            if (last_id is None or parent.id > last_id) and parent.id not in self.order.read_ids
        ]

    @override
    def checkpoint(self, parent: Parent) -> None:
        self.bookmarks.checkpoint(self.order.full_pass, parent.id, self.order.pass_digest)

    @override
    def complete(self, parents: list[Parent]) -> int:
        return self.order.full_pass.started


REASONS: tuple[type[ReadReason], ...] = (
    UnreadParents,
    ChangedParents,
    NewlyVisibleParents,
    FullPass,
)
"""The reasons to read parents, in order; the last one completes the pass."""
