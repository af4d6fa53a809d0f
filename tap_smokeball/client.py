"""The base of every stream: what it asks for, what it makes of the answers, how it ends.

A stream is data (see `tap_smokeball.streams`); the shapes of endpoint are the subclasses here and
in `tap_smokeball.parents`.
"""

from __future__ import annotations

import abc
import re
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE as FULL_TABLE

from tap_smokeball import ticks
from tap_smokeball.api import Endpoint
from tap_smokeball.errors import SmokeballError
from tap_smokeball.fields import Field, text, whole
from tap_smokeball.pagination import Page, read_all
from tap_smokeball.records import Columns, Shaper, json_schema
from tap_smokeball.run import Stopped
from tap_smokeball.state import WatermarkState

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from singer_sdk.helpers import types
    from singer_sdk.singerlib import MetadataMapping

    from tap_smokeball.api import Answer
    from tap_smokeball.pagination import Row
    from tap_smokeball.tap import TapSmokeball

EXTRACTED = "extractedTicks"
"""Bookmark column of streams whose rows carry no stamp: the server's clock as their read began."""


@dataclass(frozen=True)
class Since:
    """A filter by the time of the last change.

    Attributes:
        parameter: The query parameter.
        dialect: Writes ticks the way this parameter takes them (docs/smokeball.md): `str` for
            ticks, `ticks.to_iso_seconds` for ISO in whole seconds.
    """

    parameter: str
    dialect: Callable[[int], str]


class SmokeballStream(Stream):
    """A stream of rows that the API answers with in pages.

    Attributes:
        path: Path template of the endpoint.
        columns: The columns of the record.
        scope: The OAuth scope that opens the endpoint.
        since: Its filter by last change, if it has one.
        stamp: The property of a row that holds the ticks of its last change, if it has one.
        sort: Value of the ``Sort`` parameter, where the API offers one by last change.
        on_request: Properties that the API sends only if its ``Fields`` parameter names them.
        parent_key: Column with the parent's id, if the rows hang below a parent.
    """

    path: ClassVar[str]
    columns: ClassVar[Columns]
    scope: ClassVar[str]
    since: ClassVar[Since | None] = None
    stamp: ClassVar[str | None] = None
    sort: ClassVar[str | None] = None
    on_request: ClassVar[tuple[str, ...]] = ()
    parent_key: ClassVar[str | None] = None

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # `records` makes the types fit

    _tap: TapSmokeball

    @cached_property
    def all_columns(self) -> list[Field]:
        """The stream's columns and those that the tap adds."""
        declared = {field.name for field in self.columns.fields}
        columns = [*self.columns.fields]
        if self.parent_key and self.parent_key not in declared:
            columns.insert(0, text(self.parent_key, "Id of the record that this one hangs below"))
        if self.replication_key == EXTRACTED:
            columns.append(whole(EXTRACTED, "When it was read: .NET ticks of the server's clock"))
        return columns

    @property
    @override
    def schema(self) -> dict[str, Any]:
        return json_schema(self.all_columns)

    @property
    @override
    def metadata(self) -> MetadataMapping:
        fresh = self._metadata is None
        metadata = super().metadata
        if fresh and self._tap_input_catalog is None:
            for field in self.columns.fields:
                if not field.selected:
                    metadata["properties", field.name].selected_by_default = False
        return metadata

    @property
    @override
    def state_manager(self) -> WatermarkState:
        if self._state_manager is None:
            self._state_manager = WatermarkState(
                tap_name=self.tap_name,
                stream_name=self.name,
                tap_state=self.tap_state,
                state_partitioning_keys=(),
            )
        return cast("WatermarkState", self._state_manager)

    @override
    def generate_child_contexts(
        self,
        record: types.Record,
        context: types.Context | None,
    ) -> Iterable[types.Context | None]:
        """Start no child for a single record; see `tap_smokeball.parents`."""
        return ()

    @override  # type: ignore[misc]
    def sync(self, context: types.Context | None = None) -> None:
        """Sync this stream, unless the run is over.

        Final in the SDK. Overridden because nothing else is called once before and after a
        stream's work, batches included, in a run as well as in ``--test``.
        """
        result = self._tap.run.result(self.name)
        if self._tap.run.is_over:
            return
        began = time.monotonic()
        try:
            super().sync(context)
        finally:
            result.seconds = time.monotonic() - began

    @override
    def get_records(self, context: types.Context | None) -> Iterable[types.Record]:
        """Yield the records; a failure ends this stream and no other.

        What was yielded before it is written, and the bookmark stays where it was.
        """
        result = self._tap.run.result(self.name)
        result.ended = "complete"
        try:
            for record in self.read():
                result.rows += self.selected
                yield record
        except SmokeballError as error:
            result.failed = True
            result.ended = f"failed: {type(error).__name__}"
            self.logger.error("%s", error)  # noqa: TRY400 - the message says all there is to do
        except Stopped:
            result.ended = "stopped, goes on next time"
        self._report_surprises()

    @abc.abstractmethod
    def read(self) -> Iterator[types.Record]:
        """Yield the records that changed, then move the bookmark.

        Raises:
            SmokeballError: The stream cannot be read to its end.
            Stopped: The run is told to stop.
        """

    @property
    def is_sample(self) -> bool:
        """Whether only a few records are wanted, to see whether access works (``--test``)."""
        return self.ABORT_AT_RECORD_COUNT is not None

    @property
    def starting_ticks(self) -> int | None:
        """From when on rows are wanted, in ticks: the bookmark less the overlap, or the start.

        None if everything is wanted.
        """
        settings = self._tap.settings
        bookmark = self.state_manager.bookmark(self._tap.settings.visible)
        if bookmark is None or self.replication_method == FULL_TABLE:
            return settings.start_ticks
        return max(bookmark - settings.lookback_ticks, settings.start_ticks or 0)

    @property
    def endpoint(self) -> Endpoint:
        """What requests are made to, and counted as."""
        return Endpoint(self.name, self.path, self.scope)

    def params(self, since: int | None) -> dict[str, Any]:
        """Return the query parameters besides the page's.

        Args:
            since: Ticks from which on rows are wanted, or None for all.
        """
        params: dict[str, Any] = {}
        if self.sort:
            params["Sort"] = self.sort
        wanted = [name for name in self.on_request if self.selected and self.is_selected(name)]
        if wanted:
            params["Fields"] = ",".join(wanted)
        if self.since and since is not None:
            params[self.since.parameter] = self.since.dialect(since)
        return params

    def is_selected(self, column: str) -> bool:
        """Whether the catalog selects a column."""
        return self.mask["properties", column]

    def fetch(
        self,
        ids: dict[str, str],
        params: dict[str, Any],
        offset: int,
        limit: int,
    ) -> Answer[Page]:
        """Request one page."""
        page = {"Offset": offset, "Limit": limit}
        return self._tap.api.get(self.endpoint, ids, {**params, **page}, Page.read)

    def open(self, ids: dict[str, str], params: dict[str, Any]) -> Reading:
        """Begin to read a list; for ``--test`` only as many rows as are wanted."""
        keys = [key for key in self.primary_keys if key != self.parent_key]
        limit = self._tap.settings.page_size
        return Reading(partial(self.fetch, ids, params), keys, limit, self.ABORT_AT_RECORD_COUNT)

    def finish(self, bookmark: int | str | None) -> None:
        """Move the bookmark to where the next run shall begin, in the form of its column."""
        if self.selected and not self.is_sample and bookmark is not None:
            key = self.replication_key if self.replication_method != FULL_TABLE else None
            self.state_manager.complete(key, bookmark, self._tap.settings.visible)

    @cached_property
    def shaper(self) -> Shaper:
        """Makes records of rows, as the catalog selects."""
        return Shaper(self.all_columns, self.mask)

    def _report_surprises(self) -> None:
        names = {re.sub(r"\.\d+", "[]", name) for name in self.shaper.surprises}
        if names:
            self.logger.info(
                "%s: the API sends fields that this version does not know; they are kept in "
                "extraFields: %s",
                self.name,
                ", ".join(sorted(names)),
            )

    @override
    def _generate_record_messages(
        self,
        record: types.Record,
    ) -> Generator[RecordMessage, None, None]:
        """Yield the record as each stream map has it.

        Private in the SDK. Overridden because there every record is walked property by property
        to drop deselected ones and to fit types; `records` does both, compiled once a stream.
        """
        extracted = datetime.now(timezone.utc)
        for stream_map in self.stream_maps:
            mapped = stream_map.transform(record)
            if mapped is not None:
                yield RecordMessage(
                    stream=stream_map.stream_alias,
                    record=mapped,
                    version=self._stream_version,
                    time_extracted=extracted,
                )


class PagedStream(SmokeballStream):
    """A list of the whole firm, in pages."""

    @override
    def fetch(
        self,
        ids: dict[str, str],
        params: dict[str, Any],
        offset: int,
        limit: int,
    ) -> Answer[Page]:
        request = partial(super().fetch, ids, params, offset, limit)
        return self._tap.workers.call(request)  # so that a signal need not wait for the answer

    @override
    def read(self) -> Iterator[types.Record]:
        reading = self.open({}, self.params(self.starting_ticks))
        latest = Latest(self.stamp)
        for rows in reading:
            for row in rows:
                latest.see(row)
                yield self.shaper.record(row, {EXTRACTED: reading.began})
        self.finish(latest.bookmark(reading.began))


class Reading:
    """One reading of a list: its rows in pieces, and the server's clock when it began.

    Attributes:
        began: That clock in ticks; meaningful once a piece was read, or the list has ended.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], Answer[Page]],
        keys: list[str],
        limit: int,
        sample: int | None,
    ) -> None:
        self.began = 0
        self._fetch = fetch
        self._keys = keys
        self._limit = limit
        self._sample = sample

    def __iter__(self) -> Iterator[list[Row]]:
        if self._sample is not None:
            yield self._page(0, self._sample).rows
        else:
            yield from read_all(self._page, self._keys, self._limit)

    def _page(self, offset: int, limit: int) -> Page:
        answer = self._fetch(offset, limit)
        self.began = self.began or answer.as_of
        return answer.data


class Latest:
    """Finds the bookmark of a stream whose rows are stamped.

    Args:
        stamp: The property that holds the ticks of a row's last change; None if there is none.
    """

    def __init__(self, stamp: str | None) -> None:
        self._stamp = stamp
        self._ticks = -1
        self._as_sent: int | str | None = None

    def see(self, row: Row) -> int | None:
        """Take note of a row, and return its stamp in ticks if it has one."""
        value = row.get(self._stamp) if self._stamp else None
        stamp = ticks.parse(value)
        if stamp is not None and stamp > self._ticks:
            self._ticks, self._as_sent = stamp, value
        return stamp

    def bookmark(self, began: int) -> int | str | None:
        """Return the newest stamp in the form of its column, or when the read began if earlier.

        Without a stamp it is when the read began; None if there is a stamp but no row.
        """
        if self._stamp is None:
            return began
        if self._ticks > began:
            return str(began) if isinstance(self._as_sent, str) else began
        return self._as_sent
