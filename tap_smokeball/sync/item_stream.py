"""Streams two levels below a parent: the rows of each item of a list of the parent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

from tap_smokeball.errors import NotFoundError, SmokeballError
from tap_smokeball.sync.child_stream import ChildStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.api.client import Endpoint, Response
    from tap_smokeball.api.pages import Page, Row
    from tap_smokeball.sync.source_list import SourceList


class ItemStream(ChildStream):
    """The rows of each item of a parent, such as the versions of each file of a matter.

    It takes the requests of the list of items, and one for each item.

    Attributes:
        items: The list of the items of a parent.
        item_key: Column and placeholder with the id of the item.
    """

    items: ClassVar[SourceList]
    item_key: ClassVar[str]
    is_recursive = True
    has_usual_rows = False  # the id of the item is added to them

    @override
    def requests_per_parent(self, rows: int) -> int:
        return 1 + rows

    @override
    def fetch_page(
        self, endpoint: Endpoint, ids: dict[str, str], params: dict[str, Any]
    ) -> Response[Page]:
        response = super().fetch_page(endpoint, ids, params)
        for row in response.data.rows:
            row[self.item_key] = ids[self.item_key]
        return response

    def read_items(self, ids: dict[str, str]) -> Iterator[list[Row]]:
        """Yield the items of a parent, in pieces; called in a worker."""
        yield from self.items.read(self, ids, lambda request: request())

    @override
    def read_children(self, ids: dict[str, str], params: dict[str, Any]) -> Iterator[list[Row]]:
        item_ids = {
            id_: None
            for rows in self.read_items(ids)
            for row in rows
            if (id_ := self.items.id_of(row))
        }
        first_error: SmokeballError | None = None
        for item_id in item_ids:
            try:
                yield from self.read_list({**ids, self.item_key: item_id}, params)
            except NotFoundError:  # deleted after it was listed
                continue
            except SmokeballError as error:
                if error.is_shared:
                    raise
                first_error = first_error or error
        if first_error:  # now that the other items are read
            raise first_error
