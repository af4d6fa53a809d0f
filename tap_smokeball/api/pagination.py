"""The drift-safe offset paginator.

An offset names a place in a list that changes while it is read. A row that vanishes, or moves to
the end because it was updated, shifts all later rows forward, and a reader who trusts offsets
steps over one that he has never seen. So consecutive pages overlap by a row, and the seam is
checked: a page joins what was read if it holds a row of the page before, unchanged. What makes
that enough: rows that do not change keep their order, so if one of them was seen, all before it
were seen too, and the page continues from there without a gap. If no row joins, the reader steps
back until one does, at the worst to the start of the list, which joins by definition. Repeats are
dropped by key. Rows that did change are stamped later than the read began, and are the next run's.

Where no order can be asked for, a list might even come in another one from page to page. If fewer
rows were seen than the API says there are, the list is read again, as long as that brings new rows.

A list that changes as fast as it is read has no end, and is given up: when pages bring nothing new
for longer than it takes to read it all again, or when many times as many came as it had at first.
The latter needs a size that is true. Without one, such a list cannot be told from a long one.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_smokeball.errors import PaginationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Row = dict[str, Any]
Key = Hashable

OVERLAP = 1
"""Rows that a page shares with the one before."""

PATIENCE = 3
"""Pages without a new row that are borne beyond those that a full re-read would take."""

READINGS, PAGES = 10, 1_000
"""How often a list may be read, in pages of its size at first, and how many pages beyond that."""

_VERSIONS = ("versionId", "lastUpdated")


class Page(NamedTuple):
    """One page of a list.

    Attributes:
        rows: The rows, as the API sent them.
        size: How many rows the list has in all, if the API says so; it has been wrong before.
        has_next: Whether the API offers a next page; its address is not used, as it has dropped
            filters before (docs/smokeball.md).
        is_whole: Whether the list comes at once, so that no other page is to be had.
    """

    rows: list[Row]
    size: int | None = None
    has_next: bool = False
    is_whole: bool = False

    @property
    def stride(self) -> int:
        """How many rows behind its own offset that of the next page is."""
        return max(1, len(self.rows) - OVERLAP)


def read_all(
    fetch: Callable[[int, int], Page],
    keyed: Callable[[list[Row]], dict[Key, Row]],
    limit: int,
) -> Iterator[list[Row]]:
    """Yield the rows of a list, each once, in as many pieces as it takes.

    Args:
        fetch: Reads one page at an offset, with a limit of rows.
        keyed: Tells rows apart; raises `UnexpectedResponseError` if one lacks what that takes.
        limit: Rows to ask for at once, at least 2.

    Raises:
        PaginationError: Pages come without end.
        UnexpectedResponseError: A row lacks its key.
    """
    seen: set[Key] = set()
    previous: dict[Key, Row] = {}
    offset = at_start = 0
    step = limit // 2
    patience = _Patience()
    while True:
        page = fetch(offset, limit)
        rows = keyed(page.rows)
        joins = offset == 0 or any(_unchanged(row, previous.get(at)) for at, row in rows.items())
        if not joins:
            offset = max(0, offset - step)
            step *= 2
            continue
        fresh = [row for at, row in rows.items() if at not in seen]
        seen.update(rows)
        if fresh:
            yield fresh
        if _is_last(page, limit, len(seen)) or (not fresh and len(page.rows) <= OVERLAP):
            if offset == 0 or len(seen) == at_start or len(seen) >= (page.size or 0):
                return
            patience.begin_again()
            at_start, offset = len(seen), 0
            continue
        patience.bear(page, offset, len(seen), is_barren=not fresh)
        previous = rows
        step = limit // 2
        offset += page.stride


class _Patience:
    """Gives a list up that has no end."""

    def __init__(self) -> None:
        self._size: float = math.inf
        self._pages = self._barren = 0
        self._stride = 1

    def begin_again(self) -> None:
        """Bear that the list is read from its start again."""
        self._barren = 0

    def bear(self, page: Page, offset: int, seen: int, *, is_barren: bool) -> None:
        """Bear a page that is not the last one, so many rows having been seen.

        Raises:
            PaginationError: There were too many.
        """
        if page.size is None or page.size < offset + len(page.rows):
            self._size = math.inf  # what the API tells is not true
        elif not self._pages:
            self._size = page.size
        self._stride = max(self._stride, page.stride)
        self._pages += 1
        self._barren = self._barren + 1 if is_barren else 0
        grows = self._pages > PAGES + READINGS * self._size / self._stride
        repeats = self._barren > PATIENCE + seen // page.stride
        if grows or repeats:
            raise PaginationError(
                f"after {seen} rows there is no end to the list: it changes as fast as it is read, "
                "or the API sends the same rows again at every offset. Run again with a larger "
                "page_size, or when less is changed; if that does not help, report it to Smokeball",
            )


def _is_last(page: Page, limit: int, seen: int) -> bool:
    short = len(page.rows) < limit
    return (
        page.is_whole
        or not page.rows
        or (short and not page.has_next and (page.size is None or seen >= page.size))
    )


def _unchanged(row: Row, before: Row | None) -> bool:
    if before is None:
        return False
    for name in _VERSIONS:
        if name in row:
            return bool(row[name] == before.get(name))
    return row == before
