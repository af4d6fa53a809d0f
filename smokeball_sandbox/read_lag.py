"""Reads that lag behind writes: rows as they were before changes that the API does not show yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from smokeball_sandbox.resources import Change, Row

ListKey = tuple[str, "str | None"]


class _Earlier(NamedTuple):
    """A row before a change (None before it was added), shown until these ticks."""

    row: Row | None
    until: int


class ReadLag:
    """The changes that the API does not show yet."""

    def __init__(self) -> None:
        self._lists: dict[ListKey, dict[str, list[_Earlier]]] = {}

    @property
    def is_active(self) -> bool:
        """Whether there are such changes."""
        return bool(self._lists)

    def add(self, change: Change, until: int) -> None:
        """Show a row as it was before a change, until these ticks."""
        rows = self._lists.setdefault((change.resource.name, change.row.parent), {})
        rows.setdefault(change.row.id, []).append(_Earlier(change.before, until))

    def settle(self, now: int) -> bool:
        """Show the changes whose time has come; return whether there were any."""
        if not self._lists:
            return False
        has_settled = False
        for key, rows in list(self._lists.items()):
            for id_, earlier in list(rows.items()):
                kept = [each for each in earlier if each.until > now]
                has_settled = has_settled or len(kept) < len(earlier)
                rows[id_] = kept
                if not kept:
                    del rows[id_]
            if not rows:
                del self._lists[key]
        return has_settled

    def apply(self, key: ListKey, rows: list[Row], sort_key: Callable[[Row], Any]) -> list[Row]:
        """Return the rows of a list as the API shows them."""
        earlier = self._lists.get(key)
        if not earlier:
            return rows
        kept = [row for row in rows if row.id not in earlier]
        shown = [versions[0].row for versions in earlier.values()]
        return sorted([*kept, *(row for row in shown if row is not None)], key=sort_key)
