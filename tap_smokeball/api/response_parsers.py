"""The shapes in which endpoints hand out their rows.

A shape says how rows are taken out of an answer, and whether the endpoint takes ``Offset`` and
``Limit``. One that does not, and yet says that it has more than it sent, is asked for the rest with
them: there is no other way to it, and no request has a parameter that its endpoint does not know
as long as one answer is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_smokeball.api.pagination import Page
from tap_smokeball.errors import UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_smokeball.api.pagination import Row


class ResponseFormat(NamedTuple):
    """How an endpoint hands out rows.

    Attributes:
        read: Takes them out of a decoded body; raises `UnexpectedResponseError` if there are none.
        paged: Whether ``Offset`` and ``Limit`` are sent from the first request on.
    """

    read: Callable[[Any], Page]
    paged: bool = False


def _page(body: Any) -> Page:
    if not isinstance(body, dict):
        raise UnexpectedResponseError("an answer without the promised page")
    size = body.get("size")
    return Page(_rows(body.get("value")), size if isinstance(size, int) else None, _has_next(body))


def _value(body: Any) -> Page:
    page = _page(body)
    is_whole = not page.has_next and (page.size is None or page.size <= len(page.rows))
    return page._replace(is_whole=is_whole)


def _array(body: Any) -> Page:
    return Page(_rows(body), is_whole=True)


def _single(body: Any) -> Page:
    if not isinstance(body, dict) or not body:
        raise UnexpectedResponseError("an answer without the promised object")
    return Page([body], is_whole=True)


def _page_or_single(body: Any) -> Page:
    if isinstance(body, dict) and "value" not in body and "id" in body:
        return _single(body)
    return _page(body)


def _value_or_items(body: Any) -> Page:
    if isinstance(body, dict) and "value" not in body and "items" in body:
        return _array(body["items"])
    return _value(body)


def _roles(body: Any) -> Page:
    if not isinstance(body, dict) or "matterId" not in body:
        raise UnexpectedResponseError("an answer without the promised roles")
    version = {"versionId": body.get("versionId")}
    return Page([{**version, **role} for role in _rows(body.get("roles") or [])], is_whole=True)


def _folders(body: Any) -> Page:
    page = _page(body)
    entries: list[Row] = []
    for listing in page.rows:
        folders, files = _rows(listing.get("folders") or []), _rows(listing.get("files") or [])
        # The root has no id: it is the matter itself, and what is in it is listed beside it.
        entries += ({"id": one["id"], "folder": one} for one in folders if one.get("id"))
        entries += ({"id": one.get("id"), "folder": None} for one in files)
    return page._replace(rows=entries)


def _rows(value: Any) -> list[Row]:
    if not isinstance(value, list) or not set(map(type, value)) <= {dict}:
        raise UnexpectedResponseError("an answer without the promised rows")
    return value


def _has_next(body: dict[str, Any]) -> bool:
    return bool(body.get("next"))


PAGED = ResponseFormat(_page, paged=True)
"""``{"value": […], "size": …, "next": …}``, a page at a time."""

VALUE = ResponseFormat(_value)
"""``{"value": […]}`` at once, with or without the rest of the envelope."""

ARRAY = ResponseFormat(_array)
"""``[…]``."""

OBJECT = ResponseFormat(_single)
"""One row, as it is."""

ROLES = ResponseFormat(_roles)
"""``{"matterId": …, "versionId": …, "roles": […]}``; each role is given the version of all."""

PAGED_OR_OBJECT = ResponseFormat(_page_or_single, paged=True)
"""A page, as the parameters promise, or one row, as the description does."""

VALUE_OR_ITEMS = ResponseFormat(_value_or_items)
"""``{"value": […]}`` by the description, ``{"items": […]}`` by the guide."""

FOLDERS = ResponseFormat(_folders, paged=True)
"""``{"value": [{"folders": […], "files": […]}]}``: each becomes ``{"id": …, "folder": …}``.

Files count, since offsets may count them too; their ``folder`` is null.
"""
