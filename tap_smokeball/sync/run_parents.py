"""The parents of one child stream in one run: which full pass covers each, and what is known."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_smokeball.sync.covered_parents import CoveredParents
    from tap_smokeball.sync.parent_list import Parent, ParentList


class RunParents:
    """The parents of one child stream in one run.

    Args:
        stream: Name of the child stream.
        listed: All parents.
        live: Those that the full pass of the stream covers: all, or those that are not closed.
        closed: Those that a full pass of their own covers, if closed parents have one.
        is_sample: Whether a few parents suffice, to test the connection.

    Attributes:
        live: See above.
        closed: See above.
        bookmarks: The state of the child stream.
        read_ids: Ids of the parents that this run has read, or tried to read, already.
        unread: Ids of the parents that earlier runs could not read, with the ticks to read from.
        retries_unread: Whether the run retries unread parents although no full pass is due.
        precedes_full_pass: Whether a full pass with a list of all parents follows in the run.
    """

    def __init__(
        self,
        stream: str,
        listed: ParentList,
        live: CoveredParents,
        closed: CoveredParents | None = None,
        *,
        is_sample: bool,
    ) -> None:
        self.live = live
        self.closed = closed
        self.bookmarks = live.bookmarks
        self.is_sample = is_sample
        self.retries_unread = self.precedes_full_pass = False
        self.read_ids: set[str] = set()
        self.unread = self.bookmarks.unread_parents
        self._stream = stream
        self._listed = listed

    @property
    def is_partial(self) -> bool:
        """Whether not all parents are listed."""
        return self._listed.is_partial

    @property
    def covered(self) -> list[CoveredParents]:
        """The parents of each full pass."""
        return [self.live] if self.closed is None else [self.live, self.closed]

    def covered_with(self, parent: Parent) -> CoveredParents:
        """Return the parents of the full pass that covers a parent."""
        return self.closed if self.closed is not None and parent.is_closed else self.live

    @property
    def is_full_pass_due(self) -> bool:
        """Whether the run continues or starts a full pass."""
        return any(covered.is_due for covered in self.covered)

    @property
    def has_full_pass(self) -> bool:
        """Whether the run has a full pass that decides about parents that cannot be read."""
        return self.is_full_pass_due or self.precedes_full_pass

    @cached_property
    def with_children(self) -> list[Parent]:
        """The parents that may have rows, by id."""
        return [p for p in self._listed.parents if self._stream not in p.childless_for]

    def replication_starts(self) -> Callable[[Parent], int | None]:
        """Return the function that returns a parent's start by the bookmark of its full pass."""
        starts = {covered: covered.bookmarks.replication_start for covered in self.covered}
        if not self.is_partial:
            return lambda parent: starts[self.covered_with(parent)]
        # A parent that only an event names may be closed.
        known = [start for start in starts.values() if start is not None]
        earliest = min(known) if len(known) == len(starts) else None
        return lambda _: earliest

    def is_newly_visible(self, parent: Parent) -> bool:
        """Return whether a parent may have come into view without a change."""
        return self.covered_with(parent).is_newly_visible(parent)

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
            for covered in self.covered:
                covered.bookmarks.doubt_parents(vanished)
