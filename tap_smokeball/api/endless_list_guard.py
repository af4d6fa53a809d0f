"""Finds lists that have no end, or change as fast as they are read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tap_smokeball.errors import PaginationError

if TYPE_CHECKING:
    from tap_smokeball.api.pages import Page

MAX_EMPTY_PAGES = 3
"""Pages without a new row that are accepted beyond those of a full re-read."""

MAX_REREADS, MAX_EXTRA_PAGES = 10, 1_000
"""How often a list may be read, in pages of its first size, and how many pages beyond that."""


class EndlessListGuard:
    """Raises an error for a list that has no end."""

    def __init__(self) -> None:
        self._first_size: float = math.inf
        self._pages = self._empty_pages = 0
        self._step = 1

    def restart(self) -> None:
        """Accept that the list is read again from its start."""
        self._empty_pages = 0

    def shrink(self) -> None:
        """Accept that there are more pages than the first ones suggest."""
        self._step = 1

    def check(self, page: Page, offset: int, seen: int, *, is_empty: bool) -> None:
        """Count a page that is not the last one.

        Args:
            page: The page.
            offset: Its offset.
            seen: Rows seen so far.
            is_empty: Whether the page had no new row.

        Raises:
            PaginationError: There were too many pages.
        """
        if page.size is None or page.size < offset + len(page.rows):
            self._first_size = math.inf  # the API's size is not true
        elif not self._pages:
            self._first_size = page.size
        self._step = max(self._step, page.next_offset_step)
        self._pages += 1
        self._empty_pages = self._empty_pages + 1 if is_empty else 0
        grows = self._pages > MAX_EXTRA_PAGES + MAX_REREADS * self._first_size / self._step
        repeats = self._empty_pages > MAX_EMPTY_PAGES + seen // page.next_offset_step
        if grows or repeats:
            raise PaginationError(
                f"the list has no end after {seen} rows: it changes as fast as it is read, or the "
                "API sends the same rows at every offset",
                "Run again with a larger page_size, or when fewer rows change; if that does not "
                "help, report it to Smokeball",
            )
