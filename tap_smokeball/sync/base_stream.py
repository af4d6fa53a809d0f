"""The base of every stream: what it asks for, what it makes of the answers, how it ends.

A stream is data (see `tap_smokeball.streams`); the shapes of endpoint are the subclasses in
`tap_smokeball.sync.top_level_stream` and `tap_smokeball.sync.child_stream`.
"""

from __future__ import annotations

import abc
import re
import sys
import time
from datetime import datetime, timezone
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE as FULL_TABLE

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.client import Endpoint
from tap_smokeball.api.response_parsers import PAGED, ResponseFormat
from tap_smokeball.errors import BatchStorageError, SmokeballError, StreamMapError, reason
from tap_smokeball.records.columns import Column, Sensitivity, integer, string, walk_columns
from tap_smokeball.records.decimals import as_decimal_string
from tap_smokeball.records.record_builder import Columns, RecordBuilder, RowKey, json_schema
from tap_smokeball.run.status import Stopped, StreamStatus
from tap_smokeball.singer.record_stream import EmittingStream
from tap_smokeball.sync.bookmarks import BookmarkManager
from tap_smokeball.sync.list_reader import ListReader

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from singer_sdk.helpers import types
    from singer_sdk.singerlib import MetadataMapping

    from tap_smokeball.api.client import Response
    from tap_smokeball.api.pagination import Page
    from tap_smokeball.records.columns import Breadcrumb
    from tap_smokeball.sync.list_reader import UpdatedSinceFilter
    from tap_smokeball.tap import TapSmokeball

EXTRACTED_TICKS = "extractedTicks"
"""Bookmark column of streams whose rows carry no stamp: the server's clock as their read began."""


class SmokeballStream(EmittingStream):
    """A stream of rows that the API hands out.

    Attributes:
        path: Path template of the endpoint.
        columns: The columns of the record.
        scope: The OAuth scope that opens the endpoint.
        response_format: The shape of its answers.
        updated_since_filter: Its filter by last change, if it has one.
        updated_at_field: The property of a row that holds its last change, as ticks or as a
            date-time, if it has one.
        sort: Value of the ``Sort`` parameter, where the API offers one by time.
        opt_in_fields: Properties that the API sends only if its ``Fields`` parameter names them.
        parent_key: Column with the parent's id, if the rows hang below a parent.
        sensitive: Why all of it needs care, if it does; single columns say so themselves.
    """

    path: ClassVar[str]
    columns: ClassVar[Columns]
    scope: ClassVar[str]
    response_format: ClassVar[ResponseFormat] = PAGED
    updated_since_filter: ClassVar[UpdatedSinceFilter | None] = None
    updated_at_field: ClassVar[str | None] = None
    sort: ClassVar[str | None] = None
    opt_in_fields: ClassVar[tuple[str, ...]] = ()
    parent_key: ClassVar[str | None] = None
    sensitivity: ClassVar[Sensitivity | None] = None

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # `records` makes the types fit

    _tap: TapSmokeball

    @cached_property
    def all_columns(self) -> list[Column]:
        """The stream's columns and those that the tap adds."""
        columns = [*self.columns.fields]
        if self.parent_key and self.parent_key not in {field.name for field in columns}:
            columns.insert(0, string(self.parent_key, "ID of the parent record"))
        if self.replication_key == EXTRACTED_TICKS:
            columns.append(
                integer(
                    EXTRACTED_TICKS,
                    "Server time of the read in .NET ticks (100 ns since 0001-01-01 UTC)",
                )
            )
        if self.config.get("use_singer_decimal"):
            columns = [as_decimal_string(column) for column in columns]
        return columns

    @property
    @override
    def schema(self) -> dict[str, Any]:
        return self._json_schema

    @cached_property
    def _json_schema(self) -> dict[str, Any]:
        return json_schema(self.all_columns)

    @property
    @override
    def metadata(self) -> MetadataMapping:
        fresh = self._metadata is None
        metadata = super().metadata
        if fresh and self._tap_input_catalog is None:
            for place, field in walk_columns(self.columns.fields):
                if not field.selected:
                    metadata[place].selected_by_default = False
        return metadata

    @property
    @override
    def state_manager(self) -> BookmarkManager:
        if self._state_manager is None:
            self._state_manager = BookmarkManager(
                tap_name=self.tap_name,
                stream_name=self.name,
                tap_state=self.tap_state,
                state_partitioning_keys=(),
            )
        return cast("BookmarkManager", self._state_manager)

    @override
    def generate_child_contexts(
        self,
        record: types.Record,
        context: types.Context | None,
    ) -> Iterable[types.Context | None]:
        """Start no child for a single record; see `tap_smokeball.sync.child_stream`."""
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
        began, before = time.monotonic(), self.state_manager.snapshot()
        try:
            super().sync(context)
        except SmokeballError as error:
            self.fail(error)
        except (ImportError, OSError) as error:
            if not self.in_batches:
                raise
            self.fail(
                BatchStorageError(f"batch_config: its storage cannot be used: {reason(error)}")
            )
        finally:
            if result.failed and self.in_batches:  # what was read may not have been written
                self.state_manager.restore(before)
            result.seconds += time.monotonic() - began

    @override
    def get_records(self, context: types.Context | None) -> Iterable[types.Record]:
        """Yield the records; a failure ends this stream and no other.

        What was yielded before it is written, and the bookmark stays where it was.
        """
        result = self._tap.run.result(self.name)
        result.outcome = StreamStatus.BEGUN
        try:
            counts = int(self.selected)
            for record in self.read():
                result.rows += counts
                yield record
        except SmokeballError as error:
            self.fail(error)
        except Stopped:
            result.outcome = StreamStatus.STOPPED
        if result.outcome is StreamStatus.BEGUN:
            result.outcome = StreamStatus.COMPLETE
        self._report_surprises()

    def fail(self, error: SmokeballError) -> None:
        """Tell of an error that ends this stream, and no other."""
        self._tap.run.result(self.name).fail(type(error).__name__)
        self.logger.error("%s", error)  # the message says all there is to do

    @property
    def in_batches(self) -> bool:
        """Whether rows wait in a batch, so that the state may not yet be ahead of them."""
        return self.get_batch_config(self.config) is not None

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
        bookmark = self.state_manager.bookmark(settings.visible)
        if bookmark is None or self.replication_method == FULL_TABLE:
            return settings.start_ticks
        return max(bookmark - settings.lookback_ticks, settings.start_ticks or 0)

    def params(self, since: int | None) -> dict[str, Any]:
        """Return the query parameters besides the page's.

        Args:
            since: Ticks from which on rows are wanted, or None for all.
        """
        params: dict[str, Any] = {}
        if self.sort:
            params["Sort"] = self.sort
        if wanted := self._requested:
            params["Fields"] = ",".join(wanted)
        if self.updated_since_filter and since is not None:
            params[self.updated_since_filter.parameter] = self.updated_since_filter.dialect(since)
        return params

    def is_selected(self, place: Breadcrumb) -> bool:
        """Whether the catalog selects a column, and all that it is nested in."""
        return all(self.mask[place[:end]] for end in range(2, len(place) + 1, 2))

    @cached_property
    def _requested(self) -> list[str]:
        """Which of the properties that are sent only on request are wanted."""
        found = {
            field.name
            for place, field in walk_columns(self.columns.fields)
            if self.opt_in_fields
            and self.selected
            and self.is_selected(place)
            # What stands in another such property comes with it.
            and not set(self.opt_in_fields).intersection(place[:-1])
        }
        return [name for name in self.opt_in_fields if name in found]

    def fetch(
        self,
        endpoint: Endpoint,
        ids: dict[str, str],
        params: dict[str, Any],
        offset: int,
        limit: int,
    ) -> Response[Page]:
        """Request one page, or all that the endpoint has."""
        if self.response_format.paged or offset:
            params = {**params, "Offset": offset, "Limit": limit}
        return self._tap.api.get(endpoint, ids, params, self.response_format.read)

    def open(
        self,
        ids: dict[str, str],
        params: dict[str, Any],
        below: str = "",
    ) -> ListReader:
        """Begin to read a list; for ``--test`` only as many rows as are wanted.

        Args:
            ids: Values for the placeholders of the path.
            params: Query parameters besides the page's.
            below: What is appended to the stream's path.
        """
        endpoint = Endpoint(self.name, self.path + below, self.scope)
        fetch = partial(self.fetch, endpoint, ids, params)
        limit = self._tap.settings.page_size
        repaged = partial(self._tap.run.count_repaged, self.name)
        return ListReader(fetch, self.row_key, limit, self.ABORT_AT_RECORD_COUNT, repaged)

    @cached_property
    def row_key(self) -> RowKey:
        """Tells the rows of one list apart, by the primary key less the parent's id."""
        columns = {field.name: field for field in self.columns.fields}
        return RowKey([columns[name] for name in self.primary_keys if name != self.parent_key])

    def finish(self, reached: int | None) -> None:
        """Move the bookmark to where the next run shall begin, in ticks."""
        if self.selected and not self.is_sample and reached is not None:
            key = self.replication_key if self.replication_method != FULL_TABLE else None
            bookmark = self._as_column(key, reached) if key else reached
            self.state_manager.complete(key, bookmark, self._tap.settings.visible)

    def _as_column(self, name: str, stamp: int) -> int | str:
        schema = self.schema["properties"][name]
        if schema.get("format") == "date-time":
            return dotnet_ticks.to_column(stamp)
        return str(stamp) if "string" in schema["type"] else stamp

    @cached_property
    def shaper(self) -> RecordBuilder:
        """Makes records of rows, as the catalog selects."""
        return RecordBuilder(self.all_columns, self.mask)

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
            try:
                mapped = stream_map.transform(record)
            except Exception as error:  # noqa: BLE001 - an expression can fail in any way
                raise StreamMapError(
                    f"stream_maps: an expression for {self.name} fails on a record "
                    f"({type(error).__name__}): check its names, and what it does with null",
                ) from None
            if mapped is not None:
                yield RecordMessage(
                    stream=stream_map.stream_alias,
                    record=mapped,
                    version=self._stream_version,
                    time_extracted=extracted,
                )
