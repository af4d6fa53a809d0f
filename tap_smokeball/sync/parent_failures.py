"""Parents that cannot be read: remembered and retried, while the others continue.

Restricted matters are ordinary in law firms, and single records can be broken. Such a parent must
not stop the others, nor be forgotten. But if many in a row fail alike, it is the stream that fails:
a missing scope is one clear error, not one error for each matter.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tap_smokeball.errors import (
    PARENT_DENIALS,
    SmokeballError,
    TimeLimitError,
    UnreadParentsError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.sync.bookmarks import BookmarkManager
    from tap_smokeball.sync.parent_list import Parent
    from tap_smokeball.sync.parent_order import ReadReason

MAX_ALIKE_IN_A_ROW = 20
"""Failures in a row with the same cause from which on the stream fails."""

MAX_LOGGED_IDS = 20


class Failure(NamedTuple):
    """A parent that cannot be read.

    Attributes:
        parent: The parent.
        error: Why.
        start: Ticks from which on its rows are missing, or None for all rows.
        reason: Why it was to be read.
    """

    parent: Parent
    error: SmokeballError
    start: int | None
    reason: ReadReason


class ParentFailures:
    """The parents that one child stream cannot read in one run.

    A failure is remembered in the state only with the next success, so that a stream that fails as
    a whole leaves no trace of its parents.

    Args:
        bookmarks: The state of the child stream.
    """

    def __init__(self, bookmarks: BookmarkManager) -> None:
        self._bookmarks = bookmarks
        self._new: dict[str, Failure] = {}
        self._held: list[Failure] = []
        self._remembered: list[Failure] = []
        self._named: list[Failure] = []
        self._named_in_a_row = 0
        self._has_success = False

    def add(self, failure: Failure) -> None:
        """Note a failure; called in any thread."""
        self._new[failure.parent.id] = failure

    def settle(self, parent: Parent, reason: ReadReason) -> None:
        """Decide about a parent whose rows were written, or which failed.

        Raises:
            SmokeballError: Too many parents failed alike, or the state has no room for more.
        """
        failure = self._new.pop(parent.id, None)
        if failure is not None and not reason.remembers_failures:
            if not reason.drops(parent, failure.error):
                self._add_named(failure)
            return
        if failure is not None:
            self._held.append(failure)
            if reason.is_failure_expected:
                self._remember()
            elif len(self._held) >= MAX_ALIKE_IN_A_ROW and self._are_alike():
                raise failure.error
            return
        self._has_success = True
        self._named_in_a_row = 0
        self._remember()
        reason.checkpoint(parent)
        if parent.id in reason.order.unread:
            self._bookmarks.remove_unread_parents([parent.id])

    def _add_named(self, failure: Failure) -> None:
        """Note a parent that an event names, and that the next run repeats."""
        self._named.append(failure)
        self._named_in_a_row += 1
        if self._named_in_a_row >= MAX_ALIKE_IN_A_ROW:
            raise failure.error

    def finish(self, reason: ReadReason) -> None:
        """Remember the last failures if no parents follow those of a reason.

        Raises:
            SmokeballError: No parent of a full pass could be read, or the state has no room for
                more.
        """
        if reason.full_pass is None:
            if not reason.order.has_full_pass:
                self._remember()
            return
        # A resumed pass may have nothing left but parents that fail.
        passes = (f.reason.order.covered_with(f.parent).full_pass for f in self._held[:1])
        is_whole = any(not each.last_parent_id for each in passes)
        if is_whole and not self._has_success and self._are_alike():
            raise self._held[0].error
        cut = [f.error for f in self._held if isinstance(f.error, TimeLimitError)]
        if len(cut) > 1:  # it is the server that hangs
            raise cut[0]
        self._remember()

    def _remember(self) -> None:
        for failure in self._held:
            if not self._bookmarks.add_unread_parent(failure.parent.id, failure.start):
                raise failure.error
            failure.reason.checkpoint(failure.parent)
        self._remembered += self._held
        self._held = []

    def raise_first(self) -> None:
        """Raise the first failure, if there is one: for a connection test.

        Raises:
            SmokeballError: A parent could not be read.
        """
        for failure in self._new.values():
            raise failure.error

    @property
    def are_undecided(self) -> bool:
        """Whether there are failures that no success has followed yet."""
        return bool(self._held)

    @property
    def undecided_ids(self) -> set[str]:
        """Ids of the parents of these failures."""
        return {failure.parent.id for failure in self._held}

    @property
    def undecided_cut(self) -> TimeLimitError | None:
        """The first failure, cut by the time limit, that no success has followed yet."""
        errors = (failure.error for failure in self._held)
        return next((error for error in errors if isinstance(error, TimeLimitError)), None)

    @property
    def count(self) -> int:
        """How many parents this run could not read."""
        return len(self._remembered)

    def describe(self, stream: str, plural_name: str) -> Iterator[str]:
        """Yield a line for each cause; without the ids that only events name."""
        for cause, number in Counter(f.error.summary for f in self._named).items():
            yield (
                f"{stream}: {number:,} {plural_name} that events name could not be read ({cause}); "
                "the next run repeats them"
            )
        for cause, number in Counter(f.error.summary for f in self._remembered).items():
            ids = [f.parent.id for f in self._remembered if f.error.summary == cause]
            more = ", …" if number > MAX_LOGGED_IDS else ""
            yield (
                f"{stream}: {number:,} {plural_name} skipped ({cause}); each run retries them: "
                f"{', '.join(ids[:MAX_LOGGED_IDS])}{more}"
            )

    def error(self, plural_name: str, *, fail_on_denial: bool) -> UnreadParentsError | None:
        """Return the error that the stream ends with, if it must fail.

        Args:
            plural_name: What the parents are called.
            fail_on_denial: Whether restricted and deleted parents fail the stream, too.
        """
        failed = [
            failure
            for failure in (*self._named, *self._remembered)
            if not isinstance(failure.error, TimeLimitError)
            and (fail_on_denial or not isinstance(failure.error, PARENT_DENIALS))
        ]
        if not failed:
            return None
        return UnreadParentsError(
            f"{len(failed):,} {plural_name} could not be read ({failed[0].error.summary})",
            f"All others are complete, and each run retries them. {failed[0].error.advice}",
            request=failed[0].error.request,
        )

    def _are_alike(self) -> bool:
        return len({failure.error.kind for failure in self._held}) == 1
