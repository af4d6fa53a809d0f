"""Top-level streams: one list for the whole firm."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_smokeball.sync.base_stream import EXTRACTED_TICKS, SmokeballStream
from tap_smokeball.sync.newest_timestamp import NewestTimestamp

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers import types

    from tap_smokeball.api.client import Endpoint, Response
    from tap_smokeball.api.pages import Page


class TopLevelStream(SmokeballStream):
    """A stream that reads one list for the whole firm."""

    @override
    def fetch_page(
        self, endpoint: Endpoint, ids: dict[str, str], params: dict[str, Any]
    ) -> Response[Page]:
        request = partial(super().fetch_page, endpoint, ids, params)
        response = self.session.pool.run_in_worker(request)  # a signal need not wait for it
        page_size = params.get("Limit", self.session.settings.page_size)
        self.result.estimate.add_page(response.data, page_size)
        return response

    @override
    def read_pieces(self) -> Iterator[list[types.Record]]:
        reader = self.read_list({}, self.params(self.state_manager.replication_start))
        newest = NewestTimestamp(self.updated_at_field if self.updated_since_filter else None)
        for rows in reader:
            for row in rows:
                newest.add(row)
            yield from self.build_records(rows, {EXTRACTED_TICKS: reader.started})
        self.complete_pass(newest.bookmark(reader.started))
