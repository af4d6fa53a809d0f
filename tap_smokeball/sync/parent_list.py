"""The parents of a run: what child streams need to know of each, and of all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tap_smokeball.sync.parent_digest import ParentDigest

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Parent:
    """A record that has child records.

    Attributes:
        id: Its id.
        changed: Ticks of its last change; None if the record has none, 0 if its kind never has.
        childless_for: Names of the child streams that have no rows for it, by its own fields.
    """

    id: str
    changed: int | None
    childless_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class ParentList:
    """All records of a parent stream.

    Attributes:
        parents: The parents, by id.
        started: The server's clock in ticks when they were listed; 0 if nothing was.
        is_partial: Whether these are not all parents: those that changed, or a sample for a plan.
    """

    parents: list[Parent]
    started: int
    is_partial: bool = False

    @cached_property
    def digest(self) -> ParentDigest:
        """The digest of the parents."""
        return ParentDigest.of(parent.id for parent in self.parents)

    def newly_visible(self, before: ParentDigest | None, since: int | None) -> frozenset[int]:
        """Return the buckets of parents that came into view without a change.

        Args:
            before: The digest of the last full pass; None if it is not known.
            since: Ticks; parents that changed since are read in full anyway. None for all.
        """
        if since is None or self.is_partial:
            return frozenset()
        return self.digest.unexplained_buckets(before, self._changed_ids(since))

    def resembles(self, before: ParentDigest, since: int) -> bool | None:
        """Return whether some parents are those of a digest; None if that cannot be seen."""
        return self.digest.resembles(before, self._changed_ids(since))

    def _changed_ids(self, since: int) -> Iterator[str]:
        return (p.id for p in self.parents if p.changed is None or p.changed >= since)
