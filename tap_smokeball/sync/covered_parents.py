"""The parents that one full pass of a child stream covers, with the bookmarks of that pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_smokeball.sync.bookmarks import SyncPass
from tap_smokeball.sync.parent_digest import bucket_of

if TYPE_CHECKING:
    from tap_smokeball.sync.bookmarks import BookmarkManager
    from tap_smokeball.sync.parent_digest import ParentDigest
    from tap_smokeball.sync.parent_list import Parent, ParentList


MAX_NEWLY_VISIBLE_PARENTS = 200
"""Newly visible parents of a full pass that a run reads before it."""


class CoveredParents:
    """The parents that one full pass covers.

    Args:
        listed: These parents.
        bookmarks: The bookmarks of the pass.
        is_resumable: Whether the pass can span several runs.
        is_sample: Whether a few parents suffice, to test the connection.

    Attributes:
        kind: What tells these parents from others, as ``closed``; empty if the pass covers all.
        full_pass: The full pass that the run continues or starts.
        newly_visible_buckets: Buckets of the parents that came into view since the full pass
            started, or since the last one if a new one starts.
        pass_digest: Digest of the parents that the full pass covers; None without a bookmark.
        is_due: Whether the run continues or starts the full pass.
    """

    is_due = True

    def __init__(
        self,
        listed: ParentList,
        bookmarks: BookmarkManager,
        *,
        is_resumable: bool,
        is_sample: bool,
    ) -> None:
        self.listed = listed
        self.bookmarks = bookmarks
        self.kind = bookmarks.covered.partition(" ")[0]
        self.full_pass = SyncPass(listed.started)
        if is_resumable:
            self.full_pass = bookmarks.current_pass(listed.started)
        self.pass_digest: ParentDigest | None = None
        self.newly_visible_buckets: frozenset[int] = frozenset()
        self._full_buckets: frozenset[int] = frozenset()
        if bookmarks.is_incremental and not is_sample:
            self._compare_digests()

    def _compare_digests(self) -> None:
        before, full_pass = self.bookmarks.parent_digest, self.full_pass
        in_view = self.listed.newly_visible(before, self.changes_start)
        self.pass_digest = self.listed.digest
        if full_pass.last_parent_id is not None:
            # Those before the position would not get their turn in this pass.
            before = full_pass.digest
            missed = self.listed.newly_visible(before, full_pass.started)
            self.pass_digest = self.listed.digest.with_unknown(missed)
            self._full_buckets = in_view | missed
            in_view = missed
        else:
            self._full_buckets = in_view
        if before is not None:
            self.newly_visible_buckets = in_view

    @property
    def changes_start(self) -> int | None:
        """Ticks from which on changes of parents explain differences of the digest."""
        return self.bookmarks.replication_start

    def is_newly_visible(self, parent: Parent) -> bool:
        """Return whether a parent may have come into view without a change."""
        return bool(self._full_buckets) and bucket_of(parent.id) in self._full_buckets

    def record_changes_read(self, until: int) -> None:
        """Remember up to which change (ticks) the changed parents were read."""
        self.bookmarks.record_changes_read(until)

    def record_listed(self, *, is_newly_visible_read: bool) -> None:
        """Let the full pass cover all parents that are listed now.

        Args:
            is_newly_visible_read: Whether all parents that came into view were read.
        """
        if is_newly_visible_read and self.pass_digest is not None:
            self.pass_digest = self.listed.digest

    def checkpoint(self, parent: Parent) -> None:
        """Remember that the full pass read all parents up to one."""
        self.bookmarks.checkpoint(self.full_pass, parent.id, self.pass_digest)

    def complete_pass(self) -> None:
        """Move the bookmark to the start of the full pass."""
        self.bookmarks.complete_pass(self.full_pass.started, self.pass_digest)
