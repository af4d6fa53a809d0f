"""Paginators: from the pages of a list to its rows, each once.

An offset names a position in a list that changes while it is read. A row that vanishes, or moves
to the end because it was updated, shifts all later rows forward, and a reader that trusts offsets
misses a row. So consecutive pages overlap by one row, and the overlap is checked: a page joins the
rows read so far if it holds a row of the page before, unchanged. Rows that do not change keep their
order: if one of them was seen, all rows before it were seen too, and the page continues without a
gap. If no row joins, the paginator rewinds until one does, at worst to the start of the list, which
joins by definition. Repeats are dropped by key. A row that changed is newer than the start of the
read, so the next run reads it.

A list without a `Sort` parameter may change its order from page to page. If fewer rows were seen
than the list holds, it is read again (`tap_smokeball.api.row_coverage`).

A page that is too large is requested again with fewer rows, and so are the pages after it.

A list that changes as fast as it is read has no end. It is an error when pages bring no new row for
longer than a full re-read takes, or when many times the list's first size was read. The latter
needs a true `size`: without one, such a list looks like a long one.
"""

from __future__ import annotations

import abc
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

from tap_smokeball.api.endless_list_guard import EndlessListGuard
from tap_smokeball.api.pages import OVERLAP_ROWS, Key, Page, Row
from tap_smokeball.api.row_coverage import RowCoverage
from tap_smokeball.api.typed_rows import copies, is_equal, property_of
from tap_smokeball.errors import PaginationError, ResponseTooLargeError

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

MIN_PAGE_ROWS = OVERLAP_ROWS + 1
SHRINK_FACTOR = 4
"""How much smaller the next page is after one that was too large."""

FAR_OFFSET = 1_000_000_000
"""A position that no list has."""

VERSION_PROPERTIES = ("versionId", "lastUpdated")
"""The properties that change with every change of a row, where it has one."""


FetchPage = Callable[["dict[str, Any]"], Page]
"""Requests one page with the paginator's query parameters."""


class Paginator(abc.ABC):
    """Reads one list; a new way of paging is one new class with two methods.

    Args:
        fetch: Requests one page.
        key_of_rows: Indexes rows by key; raises `UnexpectedResponseError` if a row has none.
        page_size: Rows to ask for per page, at least 2.
        on_rewind: Called when rows shifted and the paginator searches for the overlap.
    """

    def __init__(
        self,
        fetch: FetchPage,
        key_of_rows: Callable[[list[Row]], dict[Key, Row]],
        page_size: int,
        on_rewind: Callable[[], None] = lambda: None,
    ) -> None:
        self.fetch = fetch
        self.key_of_rows = key_of_rows
        self.page_size = page_size
        self.on_rewind = on_rewind

    @abc.abstractmethod
    def __iter__(self) -> Iterator[list[Row]]:
        """Yield the rows of the list, each once, in pieces, which the caller may change.

        Raises:
            PaginationError: The pages do not end.
            ResponseTooLargeError: The smallest page is too large.
            UnexpectedResponseError: A row lacks its key.
        """

    @classmethod
    @abc.abstractmethod
    def first_params(cls, max_rows: int) -> dict[str, Any]:
        """Return the query parameters of the first page."""

    def sample(self, max_rows: int) -> list[Row]:
        """Return the first rows of the list with one request."""
        return self.fetch(self.first_params(max_rows)).rows[:max_rows]


class OffsetPaginator(Paginator):
    """Pages by ``Offset`` and ``Limit``, robust against rows that shift."""

    _empty_from = math.inf  # the lowest offset at which there was no row

    @staticmethod
    def params(offset: int, limit: int) -> dict[str, Any]:
        """Return the query parameters of one page."""
        return {"Offset": offset, "Limit": limit}

    @classmethod
    @override
    def first_params(cls, max_rows: int) -> dict[str, Any]:
        return cls.params(0, max_rows)

    def shrink(self, limit: int) -> int | None:
        """Return how many rows to request after a page was too large, or None if it cannot help.

        Args:
            limit: How many rows were requested.
        """
        return max(MIN_PAGE_ROWS, limit // SHRINK_FACTOR) if limit > MIN_PAGE_ROWS else None

    def _fetch_page(self, offset: int, limit: int) -> Page:
        page = self.fetch(self.params(offset, limit))
        if not page.rows:
            self._empty_from = min(self._empty_from, offset)
        return page

    @override
    def __iter__(self) -> Iterator[list[Row]]:
        seen: set[Key] = set()
        previous: dict[Key, Row] = {}
        offset = 0
        limit = full_limit = self.page_size
        rewind_rows = limit // 2
        is_rewinding = False
        guard, coverage = EndlessListGuard(), RowCoverage(self.key_of_rows)
        largest = 0
        while True:
            try:
                page = self._fetch_page(offset, limit)
            except ResponseTooLargeError:
                if (smaller := self.shrink(limit)) is None:
                    raise
                limit, full_limit, largest = smaller, smaller, 0
                rewind_rows = min(rewind_rows, limit // 2)
                guard.shrink()
                continue
            rows = self.key_of_rows(page.rows)
            largest = max(largest, len(page.rows))
            if offset and not _overlaps(rows, previous):
                if not is_rewinding:  # counted once, whatever the number of steps
                    self.on_rewind()
                is_rewinding = True
                offset = max(0, offset - rewind_rows)
                rewind_rows *= 2
                continue
            new_rows = [row for key, row in rows.items() if key not in seen]
            coverage.add_page(page, rows, previous, seen)
            seen.update(rows)
            end = offset + len(page.rows)
            is_last = _is_last(page, limit, largest, end)
            if wanted := [*_later_contents(rows, previous), *new_rows]:
                # Those of a list with one page are compared with no others.
                yield wanted if is_last and not offset else copies(wanted)
            is_stuck = not new_rows and len(page.rows) <= OVERLAP_ROWS
            if is_stuck or is_last:
                if offset == 0 or coverage.is_complete(end, seen, page.size):
                    self._require_end(end, rows, is_last=is_last)
                    return
                if not is_rewinding:
                    self.on_rewind()
                is_rewinding = True
                guard.restart()
                limit = max(MIN_PAGE_ROWS, coverage.restart(seen, full_limit))
                offset = largest = 0
                continue
            guard.check(page, offset, len(seen), is_empty=not new_rows)
            previous = rows
            rewind_rows = limit // 2
            is_rewinding = False
            offset += page.next_offset_step

    def read_on(self, first: Page) -> Iterator[list[Row]]:
        """Yield the rows of a list whose first page was requested already."""
        first_pages, fetch = iter([first]), self.fetch
        self.fetch = lambda params: next(first_pages, None) or fetch(params)
        yield from OffsetPaginator.__iter__(self)

    def sends_whole_list(self, first: Page) -> bool:
        """Return whether the endpoint sends the rows of its first page at another offset, too.

        Then it ignores ``Offset``, and the first page is the whole list.
        """
        rows = self.key_of_rows(first.rows)
        further = self.key_of_rows(self.fetch(self.params(len(first.rows), self.page_size)).rows)
        is_same = not further or list(further) == list(rows)
        return is_same or (further.keys() == rows.keys() and self.ignores_offset())

    def ignores_offset(self) -> bool:
        """Return whether the endpoint sends rows whatever the ``Offset`` is."""
        return bool(self.fetch(self.params(FAR_OFFSET, MIN_PAGE_ROWS)).rows)

    def _require_end(self, offset: int, before: dict[Key, Row], *, is_last: bool) -> None:
        """Check that there is nothing after a page that holds the overlap alone.

        Args:
            offset: The first row that the page does not hold.
            before: The page.
            is_last: Whether the page says that it is the last one.

        Raises:
            PaginationError: There are rows: a page is too small to be joined to the one before.
        """
        if is_last or offset >= self._empty_from:
            return
        rows = self.fetch(self.params(offset, MIN_PAGE_ROWS)).rows
        if self.key_of_rows(rows).keys() - before.keys() or (rows and not self.ignores_offset()):
            raise PaginationError(
                "the API sends one row per page, and pages are joined by a row that they share",
                "Run again; if that does not help, report it to Smokeball",
            )


class SinglePagePaginator(OffsetPaginator):
    """For endpoints that take no ``Offset`` and ``Limit`` and send the whole list.

    If one says that it has more rows than it sent, the rest is requested with ``Offset`` and
    ``Limit``: there is no other way to it. As long as one response is enough, no request has a
    parameter that its endpoint does not know.
    """

    @staticmethod
    @override
    def params(offset: int, limit: int) -> dict[str, Any]:
        return OffsetPaginator.params(offset, limit) if offset else {}

    @override
    def shrink(self, limit: int) -> int | None:
        # A page of such an endpoint looks like the whole list.
        return None

    @override
    def __iter__(self) -> Iterator[list[Row]]:
        first = self.fetch(self.params(0, self.page_size))
        rows = self.key_of_rows(first.rows)
        if not first.is_complete and not _says_more(first):
            first = first._replace(is_complete=self.sends_whole_list(first))
        if first.is_complete:
            yield list(rows.values())
        else:
            yield from self.read_on(first)


class PageOrListPaginator(OffsetPaginator):
    """For an endpoint that should be paged, and may send the whole list without an envelope."""

    @override
    def __iter__(self) -> Iterator[list[Row]]:
        try:
            first = self.fetch(self.params(0, self.page_size))
        except ResponseTooLargeError:
            yield from super().__iter__()
            return
        has_envelope = any((first.next_link, first.limit is not None, first.size is not None))
        # As many rows as were asked for may be a page that repeats.
        is_cut = has_envelope or len(first.rows) in {0, self.page_size}
        if first.is_complete or not (is_cut or not self.sends_whole_list(first)):
            yield list(self.key_of_rows(first.rows).values())
        else:
            yield from self.read_on(first)


class EntryPaginator(OffsetPaginator):
    """For pages whose rows are the entries of one listing, such as those of a folder.

    It is not documented whether ``Offset`` counts the entries or the listings. So if a page does
    not show that it is the last one, a request for the second entry does.
    """

    @override
    def __iter__(self) -> Iterator[list[Row]]:
        first = self.fetch(self.params(0, self.page_size))
        rows = self.key_of_rows(first.rows)
        is_last = _is_last(first, self.page_size, len(first.rows), len(first.rows))
        if not is_last:
            second = self.key_of_rows(self.fetch(self.params(1, 1)).rows)
            is_ignored = rows.keys() <= second.keys() and not _says_more(first)
            is_last = not second or is_ignored
        if is_last:
            yield list(rows.values())
        else:
            yield from self.read_on(first)


def _overlaps(rows: dict[Key, Row], previous: dict[Key, Row]) -> bool:
    return any(_is_unchanged(row, previous.get(key)) for key, row in rows.items())


def _later_contents(rows: dict[Key, Row], previous: dict[Key, Row]) -> list[Row]:
    """Return rows that changed after the page before without a new version.

    Two titles of a matter were seen 80 ms apart with one ``versionId`` (docs/smokeball.md). A row
    with a new version is left to the next run, and need not come twice.
    """
    both = rows.keys() & previous.keys() if previous else ()
    return [
        rows[key]
        for key in both
        if not is_equal(rows[key], previous[key]) and _is_unchanged(rows[key], previous[key])
    ]


def _says_more(page: Page) -> bool:
    return bool(page.next_link) or (page.size or 0) > len(page.rows)


def _is_last(page: Page, page_size: int, largest: int, end: int) -> bool:
    """Return whether a page is the last of its list.

    Args:
        page: The page.
        page_size: Rows that were asked for.
        largest: Rows of the largest page of the list so far.
        end: The position after the page.
    """
    if page.limit is not None:
        full_rows = min(page_size, page.limit)
    else:
        full_rows = page_size if page.size else largest
    is_short = len(page.rows) < full_rows
    return (
        page.is_complete
        or not page.rows
        or (is_short and not page.next_link and (page.size is None or end >= page.size))
    )


def _is_unchanged(row: Row, before: Row | None) -> bool:
    if before is None:
        return False
    for name in VERSION_PROPERTIES:
        if (version := property_of(row, name)) is not None:
            return bool(version == property_of(before, name))
    return is_equal(row, before)
