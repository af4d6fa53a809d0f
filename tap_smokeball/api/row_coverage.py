"""Tells whether the rows that were read are all rows of a list.

A list ends where its last page ends. In an order that holds, the pages show each position once. If
the order moves between two requests, some rows come twice and others never: fewer rows were seen
than the list has positions. Then the list is read again until each position has its row.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tap_smokeball.api.typed_rows import is_equal
from tap_smokeball.errors import PaginationError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tap_smokeball.api.pages import Key, Page, Row

MAX_VAIN_REREADS = 5
"""How often a list is read again without a new row, before it is an error."""

PAGE_LENGTHS = 16
"""How many lengths of pages are tried."""


class RowCoverage:
    """Counts the rows of one list, to compare them with its positions.

    Rows with the same key count once, unless one read shows them with different contents: then the
    list has several rows with this key.

    Args:
        key_of_rows: Indexes rows by key.
    """

    def __init__(self, key_of_rows: Callable[[list[Row]], dict[Key, Row]]) -> None:
        self._key_of_rows = key_of_rows
        self._has_moved = False
        self._end = self._counted = self._rereads = self._vain_rereads = 0
        self._at_restart = (0, 0)
        self._contents: defaultdict[Key, list[Row]] = defaultdict(list)
        self._counts: Counter[Key] = Counter()

    def add_page(
        self,
        page: Page,
        rows: Mapping[Key, Row],
        previous: Mapping[Key, Row],
        seen: Collection[Key],
    ) -> None:
        """Count the rows of a page.

        Args:
            page: The page.
            rows: Its rows by key.
            previous: The rows of the page before.
            seen: The keys of all rows before this page.
        """
        if not self._rereads:
            self._has_moved = self._has_moved or not _is_in_order(rows, previous, seen)
            return
        for row in page.rows:
            (key,) = self._key_of_rows([row])
            contents = self._contents[key]
            if not any(is_equal(row, content) for content in contents):
                contents.append(row)
            self._counts[key] = max(self._counts[key], len(contents))

    def is_complete(self, end: int, seen: Collection[Key], size: int | None) -> bool:
        """Return whether a read that came to the end of the list shows that no row is missing.

        Args:
            end: Number of positions of the list.
            seen: The keys of all rows.
            size: Number of rows by the API, if it says so. It has been wrong before: if a further
                read brings no row, it is ignored.
        """
        if not self._rereads:
            self._counted = 0 if self._has_moved else len(seen)
        else:
            if end != self._end:  # rows came or went: those of earlier reads may be among them
                self._counts = Counter({key: len(each) for key, each in self._contents.items()})
            self._counted = self._counts.total()
        self._end = end
        is_reread_in_vain = len(seen) == self._at_restart[0]
        return self._counted >= end and (is_reread_in_vain or len(seen) >= (size or 0))

    def restart(self, seen: Collection[Key], page_rows: int) -> int:
        """Prepare for the next read of the list; return the length of its pages.

        Each read has pages of another length: the order may depend on where a page begins.

        Args:
            seen: The keys of all rows.
            page_rows: The length of the first read's pages.

        Raises:
            PaginationError: The reads bring no new row, although rows are missing.
        """
        progress = len(seen), self._counted
        self._vain_rereads = self._vain_rereads + 1 if progress == self._at_restart else 0
        if self._vain_rereads >= MAX_VAIN_REREADS:
            raise PaginationError(
                f"the list has {self._end} rows, and its pages show {self._counted} of them: its "
                "order changes from request to request, or several rows have the same id",
                "Set page_size to 500 and run again; if that does not help, report it to Smokeball",
            )
        if not self._rereads and not self._has_moved:
            self._counts = Counter(dict.fromkeys(seen, 1))
        self._contents.clear()
        self._at_restart = progress
        self._rereads += 1
        return page_rows - self._rereads % PAGE_LENGTHS * math.ceil(page_rows / (2 * PAGE_LENGTHS))


def _is_in_order(
    rows: Mapping[Key, Row], previous: Mapping[Key, Row], seen: Collection[Key]
) -> bool:
    """Return whether two pages can be parts of one order of the list.

    Rows that both have must come in the same order, and after rows that were seen before.
    """
    keys, common = list(rows), rows.keys() & previous.keys()
    if not common or common == {keys[0]}:
        return True
    in_page, in_previous = ([key for key in each if key in common] for each in (rows, previous))
    before = keys[: keys.index(in_page[-1])]
    return in_page == in_previous and all(key in seen for key in before)
