"""Streams of the whole firm: one endpoint, read as one list."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_smokeball.sync.base_stream import EXTRACTED_TICKS, SmokeballStream
from tap_smokeball.sync.list_reader import NewestTimestamp

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers import types

    from tap_smokeball.api.client import Endpoint, Response
    from tap_smokeball.api.pagination import Page


class TopLevelStream(SmokeballStream):
    """Rows of the whole firm, read from one endpoint."""

    @override
    def fetch(
        self,
        endpoint: Endpoint,
        ids: dict[str, str],
        params: dict[str, Any],
        offset: int,
        limit: int,
    ) -> Response[Page]:
        request = partial(super().fetch, endpoint, ids, params, offset, limit)
        answer = self._tap.workers.call(request)  # so that a signal need not wait for the answer
        self._tap.run.result(self.name).forecast.turn(answer.data, limit)
        return answer

    @override
    def read(self) -> Iterator[types.Record]:
        reading = self.open({}, self.params(self.starting_ticks))
        latest = NewestTimestamp(self.updated_at_field if self.updated_since_filter else None)
        for rows in reading:
            for row in rows:
                latest.see(row)
            yield from self.shaper.records(rows, {EXTRACTED_TICKS: reading.began})
        self.finish(latest.bookmark(reading.began))
