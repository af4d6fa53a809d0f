"""The bookmarks of a child stream: those of one full pass, or of two if closed parents have one."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING

from tap_smokeball.sync.base_stream import SmokeballStream
from tap_smokeball.sync.closed_parents import ClosedBookmarks, is_overdue, live_and_closed
from tap_smokeball.sync.pass_states import CLOSED_MATTERS
from tap_smokeball.sync.schedule_state import ScheduleState

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from tap_smokeball.sync.bookmarks import BookmarkManager
    from tap_smokeball.sync.parent_stream import ParentStream


class TwoPassStream(SmokeballStream):
    """A stream whose closed parents may have a full pass of their own.

    Attributes:
        parent_stream: The parent stream.
    """

    parent_stream: ParentStream

    @cached_property
    def has_closed_pass(self) -> bool:
        """Whether closed parents have a full pass of their own, by the settings or the state."""
        is_possible = self.parent_stream.closed_values and not self.replaces_table
        if not is_possible or self.sample_rows is not None:
            return False
        # Once it has, the bookmark of the stream does not cover them any more.
        return self.is_split or self.session.settings.closed_interval_ticks > 0

    @property
    def is_split(self) -> bool:
        """Whether the state has bookmarks of two full passes."""
        state = self.tap_state.get("bookmarks", {}).get(self.name, {})
        return isinstance(state.get(CLOSED_MATTERS), dict)

    @cached_property
    @override
    def state_manager(self) -> BookmarkManager:
        bookmarks = super().state_manager
        if self.has_closed_pass:
            bookmarks.covered, _ = live_and_closed(self.parent_stream.closed_values)
        return bookmarks

    @cached_property
    def closed_bookmarks(self) -> ClosedBookmarks | None:
        """The bookmarks of the full pass over closed parents, if they have one."""
        if not self.has_closed_pass:
            return None
        _, covered = live_and_closed(self.parent_stream.closed_values)
        return ClosedBookmarks(
            self.state_manager, self.session.settings, self._bookmark_column, covered
        )

    def is_closed_pass_due(self, now: int) -> bool:
        """Return whether the full pass over closed parents is due or under way.

        Args:
            now: This machine's clock in ticks.
        """
        bookmarks, settings = self.closed_bookmarks, self.session.settings
        if bookmarks is None or not self.is_split:
            return bookmarks is not None
        interval_ticks = settings.closed_interval_ticks or settings.full_pass_interval_ticks
        is_under_way = isinstance(bookmarks.stream_state.get("resume"), dict)
        is_due = is_under_way or self.misses_closed_events
        return is_due or is_overdue(bookmarks, interval_ticks, now)

    @property
    def misses_closed_events(self) -> bool:
        """Whether events may be missing since the last full pass over closed parents."""
        bookmarks = self.closed_bookmarks
        state = ScheduleState(self.state_manager)
        return bookmarks is not None and state.is_full_pass_due(
            bookmarks.last_completed, is_closed=True
        )

    @property
    def loaded_until(self) -> int | None:
        """Ticks before which all changes were read, also below closed parents; None if unknown."""
        bookmarks = [self.state_manager, self.closed_bookmarks]
        return min(each.last_completed for each in bookmarks if each is not None) or None
