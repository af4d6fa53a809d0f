"""Response formats: how rows are taken out of a decoded body, and which paginator reads a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_smokeball.api.pages import Page
from tap_smokeball.api.pagination import (
    EntryPaginator,
    OffsetPaginator,
    PageOrListPaginator,
    Paginator,
    SinglePagePaginator,
)
from tap_smokeball.api.typed_rows import TypedRow
from tap_smokeball.errors import UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_smokeball.api.pages import Row


_MAX_DIGITS = 18

NO_CONTENT = object()
"""The body of a response without one (204)."""


class ResponseFormat(NamedTuple):
    """How an endpoint sends rows.

    Attributes:
        parse_body: Takes a page out of a decoded body; raises `UnexpectedResponseError` if there
            is none.
        paginator: Reads a list of such pages.
    """

    parse_body: Callable[[Any], Page]
    paginator: type[Paginator] = SinglePagePaginator

    def parse(self, body: Any) -> Page:
        """Return the page in a decoded body; an empty one if the response has no body.

        Raises:
            UnexpectedResponseError: The body holds no page.
        """
        return Page([], is_complete=True) if body is NO_CONTENT else self.parse_body(body)

    @property
    def is_paged(self) -> bool:
        """Whether ``Offset`` and ``Limit`` are sent from the first request on."""
        is_single = issubclass(self.paginator, SinglePagePaginator)
        return issubclass(self.paginator, OffsetPaginator) and not is_single

    @property
    def is_value_list(self) -> bool:
        """Whether the rows are the ``value`` of the body, so that they can have a type."""
        return self.parse_body in {_parse_page, _parse_value}


def _parse_page(body: Any) -> Page:
    if not isinstance(body, dict):
        raise UnexpectedResponseError("the response is not an object")
    return Page(
        _rows(body.get("value"), "`value` list"),
        size=_as_count(body.get("size")),
        next_link=str(body.get("next") or ""),
        limit=_as_count(body.get("limit")),
    )


def _as_count(value: Any) -> int | None:
    """Return a number of rows, which may come as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _parse_value(body: Any) -> Page:
    page = _parse_page(body)
    rows = len(page.rows)
    # As many rows as the limit: a limit that the API applies unasked may have cut the list.
    is_full = page.limit is not None and 0 < page.limit <= rows
    is_total = page.size is None or page.size <= rows
    return page._replace(is_complete=is_total and not is_full and not page.next_link)


def _parse_array(body: Any) -> Page:
    return Page(_rows(body), is_complete=True)


def _parse_object(body: Any) -> Page:
    # An error document with status 200 is an object, too, but has no id.
    if not isinstance(body, dict) or not _is_id(body.get("id")):
        raise UnexpectedResponseError("the response has no object")
    return Page([body], is_complete=True)


def _parse_user(body: Any) -> Page:
    if not isinstance(body, dict) or not _is_id(body.get("userId") or body.get("id")):
        raise UnexpectedResponseError("the response has no user")
    return Page([body], is_complete=True)


def _parse_numbered_array(body: Any) -> Page:
    return Page(_numbered(_rows(body)), is_complete=True)


def _parse_layout_fields(body: Any) -> Page:
    (design,) = _parse_object(body).rows
    about = {"layoutDescription": design.get("description")}
    fields = _rows(design.get("fields") or [])
    return Page([{**about, **field} for field in fields], is_complete=True)


def _parse_type_items(body: Any) -> Page:
    (matter_type,) = _parse_object(body).rows
    return Page(_numbered(_rows(matter_type.get("items") or [])), is_complete=True)


def _numbered(rows: list[Row]) -> list[Row]:
    return [{"index": index, **row} for index, row in enumerate(rows)]


def _parse_page_or_object(body: Any) -> Page:
    if isinstance(body, dict) and "value" not in body and "id" in body:
        return _parse_object(body)
    return _parse_page(body)


def _parse_value_or_items(body: Any) -> Page:
    if isinstance(body, dict) and "value" not in body and "items" in body:
        return _parse_array(body["items"])
    return _parse_value(body)


def _parse_roles(body: Any) -> Page:
    if not isinstance(body, dict) or not _is_id(body.get("matterId")):
        raise UnexpectedResponseError("the response has no roles")
    version = {"versionId": body.get("versionId")}
    return Page([{**version, **role} for role in _rows(body.get("roles") or [])], is_complete=True)


def roles_of_items(items: Any) -> list[Row] | None:
    """Return the roles in the ``items`` of a matter, or None if they may not be all of them.

    An empty role has no id there, and a role within another one may be a relationship. Both have
    rows at ``/roles`` perhaps, and it is not documented which.
    """
    lists: list[Any] = list(items.values()) if isinstance(items, dict) else []
    if not all(isinstance(each, list) and set(map(type, each)) <= {dict} for each in lists):
        return None
    roles = [item for each in lists for item in each if item.get("type") == "role"]
    if not roles or any(item.get("subItems") or not _is_id(item.get("id")) for item in roles):
        return None
    dropped = {"type", "subItems"}
    return [{name: each for name, each in r.items() if name not in dropped} for r in roles]


def _parse_folders(body: Any) -> Page:
    page = _parse_page(body)
    entries: list[Row] = []
    for listing in page.rows:
        folders, files = _rows(listing.get("folders") or []), _rows(listing.get("files") or [])
        # The root has no id: it is the matter itself, and its contents are listed next to it.
        entries += ({"id": one["id"], "folder": one} for one in folders if one.get("id"))
        entries += ({"id": one.get("id"), "folder": None} for one in files)
    # A size below the number of entries counts listings, of which there is one for each folder.
    counts_listings = page.size is not None and page.size < len(entries)
    is_complete = counts_listings and not page.next_link
    return page._replace(rows=entries, is_complete=is_complete)


def _is_id(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""


def _rows(value: Any, name: str = "list of rows") -> list[Row]:
    if not isinstance(value, list) or not all(map(_is_row_type, set(map(type, value)))):
        raise UnexpectedResponseError(f"the response has no {name}")
    return value


def _is_row_type(kind: type) -> bool:
    return kind is dict or issubclass(kind, TypedRow)


PAGED = ResponseFormat(_parse_page, OffsetPaginator)
"""``{"value": […], "size": …, "next": …}``, one page per request."""

VALUE = ResponseFormat(_parse_value)
"""``{"value": […]}``, the whole list, with or without the rest of the envelope."""

ARRAY = ResponseFormat(_parse_array)
"""``[…]``."""

OBJECT = ResponseFormat(_parse_object)
"""One row."""

USER = ResponseFormat(_parse_user)
"""One user, whose id the API description calls ``userId``."""

NUMBERED_ARRAY = ResponseFormat(_parse_numbered_array)
"""``[…]`` of rows without an id; each gets its ``index``."""

LAYOUT_FIELDS = ResponseFormat(_parse_layout_fields)
"""``{"id": …, "description": …, "fields": […]}``; each field gets the description."""

TYPE_ITEMS = ResponseFormat(_parse_type_items)
"""``{"id": …, "items": […]}``; each item gets its ``index``."""

ROLES = ResponseFormat(_parse_roles)
"""``{"matterId": …, "versionId": …, "roles": […]}``; each role gets the version of the list."""

PAGED_OR_OBJECT = ResponseFormat(_parse_page_or_object, PageOrListPaginator)
"""A page or a list, as the parameters suggest, or one row, as the API description says."""

VALUE_OR_ITEMS = ResponseFormat(_parse_value_or_items)
"""``{"value": […]}`` by the API description, ``{"items": […]}`` by the vendor's guide."""

FOLDERS = ResponseFormat(_parse_folders, EntryPaginator)
"""``{"value": [{"folders": […], "files": […]}]}``: each becomes ``{"id": …, "folder": …}``.

Files count, since offsets may count them too; their ``folder`` is null.
"""
