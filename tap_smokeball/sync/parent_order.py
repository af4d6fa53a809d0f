"""Which parents a child stream reads, and in which order: one class for each reason to read one.

A run first retries some of the parents that earlier runs could not read. Then it reads the parents
that changed since the last run, in the order of their changes, then those that came into view, and
continues the full pass: what changed today is there today, even if the full pass takes a week of
runs. With a time limit this comes first for all child streams. It serves freshness alone: the full
pass skips a parent only because the same run has just tried to read it, after the pass started. So
when a pass is complete, each row that changed before it started was read after that, or its parent
is remembered as unread.

Closed parents may have a full pass of their own (`tap_smokeball.sync.closed_parents`). It comes
last. All other reasons are about all parents, each with the bookmarks of its own full pass.

A new reason is a new class in `REASONS`.
"""

from __future__ import annotations

import abc
import sys
from enum import Enum, auto
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from tap_smokeball.sync.covered_parents import MAX_NEWLY_VISIBLE_PARENTS
from tap_smokeball.sync.parent_digest import bucket_of
from tap_smokeball.sync.parent_list import Parent
from tap_smokeball.sync.run_parents import RunParents

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from tap_smokeball.errors import SmokeballError
    from tap_smokeball.sync.covered_parents import CoveredParents


MAX_RETRIED_PARENTS = 20
"""Unread parents of a stream that one run retries, so that they do not starve the others."""


class Stage(Enum):
    """A stage of a run: with a time limit, all child streams finish it before the next one."""

    NAMED_PARENTS = auto()
    RECENT_CHANGES = auto()
    FULL_PASS = auto()
    CLOSED_PASS = auto()


class ReadReason(abc.ABC):
    """A reason to read parents.

    Attributes:
        stage: The stage of a run in which it reads them.
        is_between_full_passes: Whether a run reads these parents also if no full pass is due.
        is_failure_expected: Whether many failures in a row are no sign of a failed stream.
        remembers_failures: Whether the state remembers parents that cannot be read.
    """

    stage: ClassVar[Stage] = Stage.RECENT_CHANGES
    is_between_full_passes: ClassVar[bool] = False
    is_failure_expected: ClassVar[bool] = False
    remembers_failures: ClassVar[bool] = True

    def __init__(self, order: RunParents) -> None:
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
    def complete(self, parents: list[Parent]) -> None:
        """Remember that all these parents were read, except in a full pass."""

    @property
    def full_pass(self) -> CoveredParents | None:
        """The parents of the full pass, if it is one."""
        return None


class UnreadParents(ReadReason):
    """Parents that earlier runs could not read, those first that waited longest."""

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

    is_between_full_passes = True

    @override
    def parents(self) -> list[Parent]:
        if self.order.is_sample:
            return []
        return sorted(
            (
                parent
                for covered in self.order.covered
                for parent in self._changed(covered)
                if parent.id not in self.order.read_ids
            ),
            key=lambda parent: (parent.changed, parent.id),
        )

    def _changed(self, covered: CoveredParents) -> Iterator[Parent]:
        since = covered.bookmarks.changed_parents_start(covered.full_pass)
        for parent in self.order.with_children if since is not None else ():
            is_covered = self.order.covered_with(parent) is covered
            if is_covered and parent.changed and parent.changed >= (since or 0):
                yield parent

    @override
    def checkpoint(self, parent: Parent) -> None:
        self.order.read_ids.add(parent.id)
        self.order.covered_with(parent).record_changes_read(parent.changed or 0)

    @override
    def complete(self, parents: list[Parent]) -> None:
        newest = {self.order.covered_with(parent): parent.changed or 0 for parent in parents}
        for covered, changed in newest.items():
            covered.record_changes_read(changed + 1)


class NewlyVisibleParents(ReadReason):
    """Parents that came into view without a change, such as a matter with new permissions.

    If there are very many, they wait for their turn in a full pass, which remembers its position.
    """

    @override
    def parents(self) -> list[Parent]:
        return [
            parent
            for covered in self.order.covered
            for parent in self._found(covered)
            if parent.id not in self.order.read_ids
        ]

    def _found(self, covered: CoveredParents) -> list[Parent]:
        buckets = covered.newly_visible_buckets
        # Only its own full pass remembers that live parents were read.
        if not buckets or (covered is self.order.live and not covered.is_due):
            return []
        found = [
            parent
            for parent in self.order.with_children
            if self.order.covered_with(parent) is covered and bucket_of(parent.id) in buckets
        ]
        return found if len(found) <= MAX_NEWLY_VISIBLE_PARENTS else []

    @override
    def checkpoint(self, parent: Parent) -> None:
        self.order.read_ids.add(parent.id)

    @override
    def complete(self, parents: list[Parent]) -> None:
        read = {self.order.covered_with(parent) for parent in parents}
        for covered in self.order.covered:
            covered.record_listed(is_newly_visible_read=covered in read)


class FullPass(ReadReason):
    """All parents by id, from where the unfinished pass was interrupted."""

    stage = Stage.FULL_PASS

    @property
    @override
    def full_pass(self) -> CoveredParents:
        return self.order.live

    @override
    def parents(self) -> list[Parent]:
        covered = self.full_pass
        last_id = covered.full_pass.last_parent_id
        return [
            parent
            for parent in self.order.with_children
            if self.order.covered_with(parent) is covered
            and (last_id is None or parent.id > last_id)
            and parent.id not in self.order.read_ids
        ]

    @override
    def checkpoint(self, parent: Parent) -> None:
        self.full_pass.checkpoint(parent)

    @override
    def complete(self, parents: list[Parent]) -> None:
        """Do nothing: a complete full pass moves the bookmark."""


class ClosedPass(FullPass):
    """The closed parents by id, where they have a full pass of their own that is due."""

    stage = Stage.CLOSED_PASS

    @property
    @override
    def full_pass(self) -> CoveredParents:
        return self.order.closed or self.order.live


REASONS: tuple[type[ReadReason], ...] = (
    UnreadParents,
    ChangedParents,
    NewlyVisibleParents,
    FullPass,
    ClosedPass,
)
"""The reasons to read parents, in order; a full pass completes with its last parent."""


class ParentOrder(RunParents):
    """The order in which one child stream reads its parents in one run.

    Attributes:
        first_reasons: Reasons that precede those of `REASONS`.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.first_reasons: list[ReadReason] = []

    @property
    def last_stage(self) -> Stage:
        """The last stage in which the run reads parents."""
        if self.closed is not None and self.closed.is_due:
            return Stage.CLOSED_PASS
        return Stage.FULL_PASS if self.live.is_due else Stage.RECENT_CHANGES

    @cached_property
    def reasons(self) -> list[ReadReason]:
        """The reasons to read parents, in order."""
        return [*self.first_reasons, *(r(self) for r in REASONS if self._is_due(r))]

    def _is_due(self, reason: type[ReadReason]) -> bool:
        if reason.stage is Stage.CLOSED_PASS:
            return self.last_stage is Stage.CLOSED_PASS
        if reason.stage is Stage.FULL_PASS:
            return self.live.is_due
        return self.is_full_pass_due or reason.is_between_full_passes

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
        return any(reason.parents() for reason in self.todo([Stage.RECENT_CHANGES]))

    def todo(self, stages: Container[Stage]) -> Iterator[ReadReason]:
        """Yield the reasons to read parents in some stages, in order."""
        yield from (reason for reason in self.reasons if reason.stage in stages)
