"""The full pass over closed parents, which is due less often than that over all others.

Little changes below a closed matter, and most matters of a firm are closed. If their full pass runs
once a day, that over the others takes a fraction of the time.

Each of the two passes is exact by itself: it has a bookmark, a resume point and a digest of the
parents that it covers (`tap_smokeball.sync.pass_states`). A parent that moves from one to the other
has a new version. So it changed since the bookmark of the pass that it moves to, which reads it in
full, or that bookmark is younger than the move, and its pass has read it. Where the version stays
the same, the digest shows that the parent came into view. Parents that changed, that came into view
or that could not be read are read first in every run, closed or not.
"""

from __future__ import annotations

import copy
import sys
from functools import cached_property
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks
from tap_smokeball.sync.bookmarks import BookmarkManager
from tap_smokeball.sync.covered_parents import MAX_NEWLY_VISIBLE_PARENTS, CoveredParents
from tap_smokeball.sync.parent_digest import BUCKETS, bucket_of
from tap_smokeball.sync.pass_states import CLOSED, CLOSED_MATTERS, LIVE

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tap_smokeball.config.settings import Settings
    from tap_smokeball.sync.bookmark_column import BookmarkColumn
    from tap_smokeball.sync.parent_digest import ParentDigest
    from tap_smokeball.sync.parent_list import ParentList

LIVE_SHARE = 0.75
"""Part of the time left after which full passes make room for those over closed parents."""

MAX_EARLY_TICKS = 300 * dotnet_ticks.PER_SECOND
"""By how much the clocks of two runs may differ: a daily run does not start at the same second."""

MAX_LIST_DELAY_TICKS = 300 * dotnet_ticks.PER_SECOND
"""Age up to which changed parents are read once more: a list may show a change late."""


def live_and_closed(closed_values: object) -> tuple[str, str]:
    """Return what the two passes cover, for their view fingerprints.

    Args:
        closed_values: See `ParentStream`. If they change, all parents are read in full.
    """
    return f"{LIVE} {closed_values!r}", f"{CLOSED} {closed_values!r}"


class ClosedBookmarks(BookmarkManager):
    """The bookmarks of the full pass over closed parents, in an object of the stream's state.

    Args:
        stream_bookmarks: The bookmarks of the stream.
        settings: See `BookmarkManager`.
        column: See `BookmarkManager`.
        covered: See `BookmarkManager`.
    """

    def __init__(
        self,
        stream_bookmarks: BookmarkManager,
        settings: Settings,
        column: Callable[[], BookmarkColumn | None],
        covered: str,
    ) -> None:
        self._stream_bookmarks = stream_bookmarks
        super().__init__(
            tap_name=str(stream_bookmarks.tap_name),
            stream_name=stream_bookmarks.stream_name,
            tap_state=stream_bookmarks.tap_state,
            settings=settings,
            column=column,
        )
        self.covered = covered

    @property
    @override
    def stream_state(self) -> dict[str, Any]:
        stream_state = self._stream_bookmarks.stream_state
        if not isinstance(stream_state.get(CLOSED_MATTERS), dict):
            stream_state[CLOSED_MATTERS] = {}
        closed: dict[str, Any] = stream_state[CLOSED_MATTERS]
        return closed

    @property  # type: ignore[explicit-override] # mypy does not see it before a setter
    @override
    def is_flushed(self) -> bool:
        """Whether the state of the stream was written since it changed."""
        return self._stream_bookmarks.is_flushed

    @is_flushed.setter
    @override
    def is_flushed(self, value: bool) -> None:
        if not value:
            self._stream_bookmarks.is_flushed = False

    @override
    def complete_pass(self, reached: int, digest: ParentDigest | None = None) -> None:
        super().complete_pass(reached, digest)
        self.stream_state["view_fingerprint"] = self._view  # also where there is no bookmark

    @property
    def listed_at(self) -> int:
        """Ticks at which the parents of the digest were listed, if later than the bookmark."""
        entry = self.stream_state.get("parent_digest")
        listed_at = entry.get("listed_at") if isinstance(entry, dict) else None
        return dotnet_ticks.parse(listed_at) or 0

    def record_listed(self, digest: ParentDigest, listed_at: int) -> None:
        """Replace the digest that counts with the bookmark."""
        self._set_digest(digest, self._raw_bookmark)
        self.stream_state["parent_digest"]["listed_at"] = listed_at


def is_overdue(bookmarks: ClosedBookmarks, interval_ticks: int, now: int) -> bool:
    """Return whether the interval has passed since the last full pass over closed parents.

    Args:
        bookmarks: The bookmarks of the pass.
        interval_ticks: The interval; 0 is due in each run.
        now: The time in ticks, by a clock that may differ from that of the bookmark.
    """
    age = now - bookmarks.last_completed
    due_ticks = interval_ticks - min(MAX_EARLY_TICKS, interval_ticks // 10)
    return not interval_ticks or not -MAX_EARLY_TICKS <= age < due_ticks


class ClosedParents(CoveredParents):
    """The closed parents.

    Args:
        listed: The closed parents, with all others.
        bookmarks: The bookmarks of their full pass.
        settings: Interval and lookback.
    """

    bookmarks: ClosedBookmarks

    def __init__(
        self,
        listed: ParentList,
        bookmarks: ClosedBookmarks,
        settings: Settings,
    ) -> None:
        self._lookback_ticks = settings.lookback_ticks
        super().__init__(listed, bookmarks, is_resumable=True, is_sample=False)
        self.is_due = self._is_due(settings.closed_interval_ticks)

    def _is_due(self, interval_ticks: int) -> bool:
        bookmarks = self.bookmarks
        # By the clock of the bookmark.
        if is_overdue(bookmarks, interval_ticks, self.listed.started) or not bookmarks.is_current:
            return True
        if self.full_pass.last_parent_id is not None:
            return True
        if self.listed.is_partial or not bookmarks.is_incremental:
            return False
        return bookmarks.parent_digest is None or self._has_many_newly_visible

    @cached_property
    def _has_many_newly_visible(self) -> bool:
        """Whether more parents came into view than a run reads first."""
        buckets = self.newly_visible_buckets
        newly_visible = sum(bucket_of(parent.id) in buckets for parent in self.listed.parents)
        return newly_visible > MAX_NEWLY_VISIBLE_PARENTS

    @property
    @override
    def changes_start(self) -> int | None:
        # Not from the bookmark on: in a long time so much changes that it could explain anything.
        start = super().changes_start
        return None if start is None else max(start, self._listed_start)

    @property
    def _listed_start(self) -> int:
        return self.bookmarks.listed_at - self._lookback_ticks

    @override
    def record_changes_read(self, until: int) -> None:
        """Remember up to which change (ticks) the changed parents were read.

        The full pass may be far: a parent that the list showed late must not wait for it.
        """
        state = self.bookmarks.stream_state
        read_until = dotnet_ticks.parse(state.get("changed_parents_until")) or 0
        latest = self.listed.started - min(self._lookback_ticks, MAX_LIST_DELAY_TICKS)
        self.bookmarks.record_changes_read(max(read_until, min(until, latest)))

    @override
    def record_listed(self, *, is_newly_visible_read: bool) -> None:
        """Replace the digest of the bookmark, so that no run reads the same parents again.

        That is exact as long as each parent that it adds was read in full, or changed since the
        bookmark, so that the next full pass reads it in full.

        Args:
            is_newly_visible_read: Whether all parents that came into view were read.
        """
        super().record_listed(is_newly_visible_read=is_newly_visible_read)
        before = self.bookmarks.parent_digest
        if before is None or self.full_pass.last_parent_id is not None:
            return
        start = max(self.bookmarks.reached, self._listed_start)
        unknown = self.listed.newly_visible(before, start)
        if is_newly_visible_read or not self._has_many_newly_visible:
            unknown -= self.newly_visible_buckets
        known = set(range(BUCKETS)) - unknown
        self.bookmarks.record_listed(before.updated(self.listed.digest, known), self.listed.started)


def split_state(
    live: BookmarkManager,
    closed: ClosedBookmarks,
    listed: ParentList,
    parts: tuple[ParentList, ...],
) -> None:
    """Let the state of full passes over all parents count for two, each over some.

    Both start from the same bookmark and continue the same unfinished pass. The digest of some of
    the parents does not follow from that of all: it is that of the parents that are listed now, and
    those that may not have been read before are unknown.

    Args:
        live: The bookmarks of the parents that are not closed.
        closed: Those of the others.
        listed: All parents.
        parts: Those that are not closed, and the others.
    """
    whole = copy.copy(live)
    whole.covered = ""
    if CLOSED_MATTERS in whole.stream_state and not whole.is_current:
        return
    reached, start, before = whole.reached, whole.replication_start, whole.parent_digest
    full_pass = whole.current_pass(listed.started)
    changes_read_until = whole.stream_state.get("changed_parents_until")
    whole.stream_state.pop("resume", None)
    for bookmarks, part in zip((live, closed), parts, strict=True):

        def digest(before: ParentDigest | None, since: int | None) -> ParentDigest | None:
            if before is None or not whole.is_incremental:
                return None
            return part.digest.with_unknown(listed.newly_visible(before, since))  # noqa: B023

        if reached:
            bookmarks.complete_pass(reached, digest(before, start))
        if changes_read_until is not None:
            bookmarks.stream_state["changed_parents_until"] = changes_read_until
        if full_pass.last_parent_id is not None:
            resumed = digest(full_pass.digest, full_pass.started)
            bookmarks.checkpoint(full_pass, full_pass.last_parent_id, resumed)
