"""The drift-safe offset paginator.

An offset names a place in a list that changes while it is read. A row that vanishes, or moves to
the end because it was updated, shifts all later rows forward, and a reader who trusts offsets
steps over one that he has never seen. So consecutive pages overlap by a row, and the seam is
checked: a page joins what was read if it holds a row of the page before, unchanged. What makes
that enough: rows that do not change keep their order, so if one of them was seen, all before it
were seen too, and the page continues from there without a gap. If no row joins, the reader steps
back until one does, at the worst to the start of the list, which joins by definition. Repeats are
dropped by key. Rows that did change are stamped later than the read began, and are the next run's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_smokeball.errors import PagingError, UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Row = dict[str, Any]
    Key = tuple[Any, ...]

OVERLAP = 1
"""Rows that a page shares with the one before."""

PATIENCE = 3
"""Pages without a new row that are borne beyond those that a full re-read would take."""

_VERSIONS = ("versionId", "lastUpdated")


@dataclass(frozen=True)
class Page:
    """One page of a list.

    Attributes:
        rows: The rows, as the API sent them.
        size: How many rows the list has in all, if the API says so; it has been wrong before.
        has_next: Whether the API offers a next page; its address is not used, as it has dropped
            filters before (docs/smokeball.md).
    """

    rows: list[Row]
    size: int | None
    has_next: bool

    @classmethod
    def read(cls, body: Any) -> Page:
        """Take the page out of a paged envelope.

        Raises:
            UnexpectedAnswer: The body is not a paged envelope.
        """
        rows = body.get("value") if isinstance(body, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UnexpectedAnswer("an answer without the promised page")
        size = body.get("size")
        return cls(rows, size if isinstance(size, int) else None, bool(body.get("next")))


def read_all(
    fetch: Callable[[int, int], Page],
    keys: Sequence[str],
    limit: int,
) -> Iterator[list[Row]]:
    """Yield the rows of a list, each once, in as many pieces as it takes.

    Args:
        fetch: Reads one page at an offset, with a limit of rows.
        keys: The properties that identify a row.
        limit: Rows to ask for at once, at least 2.

    Raises:
        PagingError: Pages come without end but without new rows.
        UnexpectedAnswer: A row lacks its key.
    """
    seen: set[Key] = set()
    previous: dict[Key, Row] = {}
    offset = barren = 0
    step = limit // 2
    while True:
        page = fetch(offset, limit)
        rows = {_key(row, keys): row for row in page.rows}
        joins = offset == 0 or any(_unchanged(row, previous.get(key)) for key, row in rows.items())
        if not joins:
            offset = max(0, offset - step)
            step *= 2
            continue
        fresh = [row for key, row in rows.items() if key not in seen]
        seen.update(rows)
        if fresh:
            yield fresh
        barren = 0 if fresh else barren + 1
        if _is_last(page, limit, len(seen)) or (not fresh and len(page.rows) <= OVERLAP):
            return
        if barren > PATIENCE + len(seen) // max(1, len(page.rows) - OVERLAP):
            raise PagingError(
                f"after {len(seen)} rows the API sends the same rows again at every offset; "
                "report it to Smokeball, or try another page_size",
            )
        previous = rows
        step = limit // 2
        offset += max(1, len(page.rows) - OVERLAP)


def _is_last(page: Page, limit: int, seen: int) -> bool:
    short = len(page.rows) < limit
    return not page.rows or (
        short and not page.has_next and (page.size is None or seen >= page.size)
    )


def _key(row: Row, keys: Sequence[str]) -> Key:
    key = tuple(row.get(name) for name in keys)
    if None in key:
        raise UnexpectedAnswer(f"a row without its key ({', '.join(keys)})")
    return key


def _unchanged(row: Row, before: Row | None) -> bool:
    if before is None:
        return False
    for name in _VERSIONS:
        if name in row:
            return bool(row[name] == before.get(name))
    return row == before
