"""Reads one list: its rows, and the server's clock when the read started."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_smokeball.api.client import Response
    from tap_smokeball.api.pages import Page, Row
    from tap_smokeball.api.pagination import Paginator
    from tap_smokeball.records.record_builder import RowKey


class ListReader:
    """The rows of one list in pieces, each row once.

    Args:
        fetch: Requests one page with the paginator's query parameters.
        paginator: Class of the paginator.
        row_key: Indexes rows by key.
        page_size: Rows to ask for per page.
        sample_rows: Rows that are wanted for a connection test; None for the whole list.
        on_rewind: Called when the pagination has to rewind because rows shifted.

    Attributes:
        started: The server's clock in ticks when the read started; 0 before the first page.
    """

    def __init__(  # noqa: PLR0913 - the parts of a read
        self,
        fetch: Callable[[dict[str, Any]], Response[Page]],
        paginator: type[Paginator],
        row_key: RowKey,
        *,
        page_size: int,
        sample_rows: int | None,
        on_rewind: Callable[[], None],
    ) -> None:
        self.started = 0
        self._fetch = fetch
        self._new_paginator = partial(
            paginator, key_of_rows=row_key, page_size=page_size, on_rewind=on_rewind
        )
        self._sample_rows = sample_rows

    def __iter__(self) -> Iterator[list[Row]]:
        # Not an attribute: in a reference cycle, the rows would wait for the garbage collector.
        paginator = self._new_paginator(self._page)
        if self._sample_rows is not None:
            yield paginator.sample(self._sample_rows)
        else:
            yield from paginator

    def _page(self, params: dict[str, Any]) -> Page:
        response = self._fetch(params)
        self.started = self.started or response.server_time
        return response.data
