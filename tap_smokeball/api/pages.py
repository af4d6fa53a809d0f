"""A page of a list, as the API sends it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

Row = dict[str, Any]
Key = Hashable

OVERLAP_ROWS = 1
"""Rows that a page shares with the one before."""


class Page(NamedTuple):
    """One page of a list.

    Attributes:
        rows: The rows as the API sent them.
        size: Number of rows of the whole list, if the API says so; it has been wrong before.
        next_link: Address of the next page, if the API offers one. The offset paginator does not
            follow it, as it has dropped filters before (docs/smokeball.md).
        is_complete: Whether the page is the whole list, so that there is no other page.
        limit: Most rows that the page could have, if the API says so: it may be less than what was
            asked for.
    """

    rows: list[Row]
    size: int | None = None
    next_link: str = ""
    is_complete: bool = False
    limit: int | None = None

    @property
    def next_offset_step(self) -> int:
        """Rows between the offset of this page and that of the next."""
        return max(1, len(self.rows) - OVERLAP_ROWS)
