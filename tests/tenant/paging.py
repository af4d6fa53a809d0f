"""Envelopes: the pages of a list, as one tenant writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.tenant.options import Options

Json = dict[str, Any]


def page(  # noqa: PLR0913, PLR0917 - the parts of a page
    rows: Sequence[Json],
    url: str,
    offset: int,
    largest: int,
    options: Options,
    fault: str = "",
) -> Json:
    """Return one page of a list.

    Args:
        rows: The whole list.
        url: Address of the list, for the links.
        offset: Rows before the page.
        largest: Most rows that the page may have.
        options: How the tenant writes pages.
        fault: Kind of a fault of this page, or empty.
    """
    if fault == "repeated_page":
        offset = 0
    value = rows[offset : offset + largest]
    if fault == "short_page" and len(value) > 1:
        value = value[: (len(value) + 1) // 2]
    envelope: Json = {"href": url, "value": list(value), "offset": offset}
    if options.limit != "absent":
        envelope["limit"] = len(value) if options.limit == "count" else largest
    size = _size(len(rows), fault.partition("size_")[2] or options.size)
    if size is not None:
        envelope["size"] = size
    if options.has_next and offset + len(value) < len(rows):
        envelope["next"] = {"href": f"{url}?offset={offset + len(value)}&limit={largest}"}
    elif options.has_nulls:
        envelope["next"] = None
    return envelope


def _size(count: int, form: str) -> int | str | None:
    sizes: Mapping[str, int | str | None] = {
        "right": count,
        "absent": None,
        "text": str(count),
        "low": count // 2,
        "high": count + 2,
        "zero": 0,
        "negative": -1,
    }
    return sizes[form]
