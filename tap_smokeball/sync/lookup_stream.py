"""Streams without a list: records by id, for the ids that other lists name."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar

from tap_smokeball.errors import NotFoundError, SmokeballError, TimeLimitError
from tap_smokeball.sync.base_stream import SmokeballStream
from tap_smokeball.sync.top_level_stream import TopLevelStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers import types

    from tap_smokeball.api.client import Endpoint, Response
    from tap_smokeball.api.pages import Page, Row
    from tap_smokeball.sync.source_list import SourceList


class LookupStream(TopLevelStream):
    """Records by id; takes the requests of the lists that name the ids, and one for each id.

    Attributes:
        sources: The lists that name the ids.
        lookup_key: Placeholder of the path, and column, with the id.
    """

    sources: ClassVar[tuple[SourceList, ...]]
    lookup_key: ClassVar[str]
    has_usual_rows = False  # the id is added to them

    def read_ids(self) -> list[str]:
        """Return the ids that the lists name, in a stable order.

        Raises:
            SmokeballError: A list cannot be read.
        """
        return sorted(
            {
                id_
                for source in self.sources
                for rows in source.read(self, {}, self.session.pool.run_in_worker)
                for row in rows
                if (id_ := source.id_of(row))
            }
        )

    @override
    def fetch_page(
        self, endpoint: Endpoint, ids: dict[str, str], params: dict[str, Any]
    ) -> Response[Page]:
        # Called in a worker, and a step of its own, unlike the page of a list.
        response = SmokeballStream.fetch_page(self, endpoint, ids, params)
        for row in response.data.rows:
            row[self.lookup_key] = ids[self.lookup_key]
        return response

    @override
    def read_pieces(self) -> Iterator[list[types.Record]]:
        ids, estimate = self.read_ids(), self.result.estimate
        if self.sample_rows is not None:
            ids = ids[: self.sample_rows]
        estimate.start(len(ids), "ids")
        errors: list[SmokeballError] = []

        def read(id_: str) -> Iterator[list[Row]]:
            try:
                yield from self.read_list({self.lookup_key: id_}, self.params(None))
            except NotFoundError:  # deleted, though lists still name it
                return
            except SmokeballError as error:
                if error.is_shared:
                    raise
                errors.append(error)

        with closing(self.session.pool.map_ordered(ids, read)) as results:
            for _, pieces in results:
                for rows in pieces:
                    yield from self.build_records(rows, {})
                estimate.add_step(1)
        self.session.status.raise_if_stopped()
        if estimate.done < len(ids):
            raise TimeLimitError
        if errors:  # now that the others are read
            raise errors[0]
