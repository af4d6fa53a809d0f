"""The base of every stream: from a declaration to requests, and from rows to records.

A stream is data (`tap_smokeball.streams`). The kinds of stream are `TopLevelStream`, `ParentStream`
and `ChildStream`.
"""

from __future__ import annotations

import abc
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_smokeball.api.client import Endpoint
from tap_smokeball.api.pagination import VERSION_PROPERTIES
from tap_smokeball.errors import RequestInfo, SmokeballError, StreamCrashError, TimeLimitError
from tap_smokeball.records.columns import integer, string, walk_columns
from tap_smokeball.records.extra_fields import EXTRA_FIELDS
from tap_smokeball.records.record_builder import RowKey
from tap_smokeball.run.status import RUNNING, RunInterruptedError, StreamStatus
from tap_smokeball.sync.bookmark_column import BookmarkColumn
from tap_smokeball.sync.bookmarks import BookmarkManager
from tap_smokeball.sync.declared_stream import DeclaredStream
from tap_smokeball.sync.list_reader import ListReader
from tap_smokeball.sync.read_decision import READ_ALL, ReadDecision
from tap_smokeball.sync.stream_attributes import StreamAttributes

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from singer_sdk.helpers import types

    from tap_smokeball.api.client import DecodeUsual, Response
    from tap_smokeball.api.pages import Page, Row
    from tap_smokeball.records.columns import Breadcrumb, Column
    from tap_smokeball.run.status import StreamResult
    from tap_smokeball.sync.parent_digest import ParentDigest

EXTRACTED_TICKS = "extractedTicks"
"""Bookmark column of streams whose rows have no timestamp: the server's clock at their read."""


class SmokeballStream(StreamAttributes, DeclaredStream):
    """A stream of rows of the API.

    Args:
        tap: The tap that the stream belongs to.
        session: Settings, API client, worker pool and status of the run.

    Attributes:
        decision: What this run reads of the stream.
        has_usual_rows: Whether the rows of a list become records as they are.
    """

    has_usual_rows: ClassVar[bool] = True

    decision: ReadDecision = READ_ALL
    _decode_usual: DecodeUsual | None = None

    @override
    def complete_columns(self) -> list[Column]:
        extra_fields = replace(
            EXTRA_FIELDS, sensitivity=self.sensitivity or EXTRA_FIELDS.sensitivity
        )
        columns = [*super().complete_columns(), extra_fields]
        if self.parent_key and self.parent_key not in {column.name for column in columns}:
            columns.insert(0, string(self.parent_key, "ID of the parent record"))
        if self.replication_key == EXTRACTED_TICKS:
            columns.append(
                integer(
                    EXTRACTED_TICKS,
                    "Server time of the read in .NET ticks (100 ns since 0001-01-01 UTC)",
                )
            )
        return columns

    @cached_property
    @override
    def state_manager(self) -> BookmarkManager:
        return BookmarkManager(
            tap_name=self.tap_name,
            stream_name=self.name,
            tap_state=self.tap_state,
            settings=self.session.settings,
            column=self._bookmark_column,
        )

    def _bookmark_column(self) -> BookmarkColumn | None:
        key = self.replication_key
        if key is None or self.replication_method == REPLICATION_FULL_TABLE:
            return None
        return BookmarkColumn(key, self.schema["properties"][key])

    @contextmanager
    @override
    def handle_errors(self) -> Iterator[StreamResult]:
        """Keep an error within the stream if a runner supervises the run."""
        result = self.result
        result.status = RUNNING
        try:
            yield result
        except RunInterruptedError:
            result.status = StreamStatus.STOPPED
            if not self.session.status.is_supervised:
                raise
        except SmokeballError as error:
            if not self.session.status.is_supervised:
                raise
            if isinstance(error, TimeLimitError):
                self.stop_at_time_limit(error)
            else:
                self.result.fail(error)
        finally:
            if not self.session.status.is_supervised:
                self.session.pool.close()  # the SDK never says that a run is over
        if result.status is RUNNING:
            result.status = StreamStatus.COMPLETE
        extra_fields = self.record_builder.extra_fields
        extra_fields.log_new_names(self.logger, self.name)
        result.kept_fields, result.dropped_fields = map(dict, extra_fields.counts)

    def stop_at_time_limit(self, error: TimeLimitError) -> None:
        """Log what the time limit cut short; the next run resumes."""
        self.result.status = StreamStatus.TIME_LIMIT
        self.logger.warning("%s%s", "" if error.stream else f"{self.name}: ", error)

    @override
    def get_pieces(self) -> Iterator[list[types.Record]]:
        """Yield the records that changed, then move the bookmark.

        Raises:
            SmokeballError: The stream cannot be read to its end.
            RunInterruptedError: A signal stops the run.
        """
        crash: StreamCrashError | None = None
        try:
            yield from self.read_pieces()
        except (SmokeballError, RunInterruptedError):
            raise
        except Exception as error:
            # A STATE that cannot be written concerns the run, not the stream.
            if self.is_writing_state or not self.session.status.is_supervised:
                raise
            crash = StreamCrashError.of(error, RequestInfo(self.name, self.path))
        if crash:  # raised here, so that it does not keep the frames of its cause alive
            raise crash

    def build_records(self, rows: list[Row], tap_columns: Mapping[str, Any]) -> Iterator[list[Row]]:
        """Yield the records of rows, in pieces, and count them for the summary."""
        builder = self.record_builder
        if self._can_have_types:
            builder.learn_types(self._needed_properties)
        yield from builder.records(rows, tap_columns)
        self._decode_usual = builder.decode_usual
        if self.selected:
            self.result.rows += len(rows)

    @abc.abstractmethod
    def read_pieces(self) -> Iterator[list[types.Record]]:
        """Yield the records that changed, then move the bookmark.

        Raises:
            SmokeballError: The stream cannot be read to its end.
            RunInterruptedError: A signal stops the run.
        """

    @property
    def sample_rows(self) -> int | None:
        """Rows that are wanted to test the connection; None for all."""
        return self.ABORT_AT_RECORD_COUNT

    def params(self, since: int | None) -> dict[str, Any]:
        """Return the query parameters except those of the page.

        Args:
            since: Ticks from which on changed rows are wanted, or None for all rows.
        """
        params: dict[str, Any] = {}
        if self.sort:
            params["Sort"] = self.sort
        if self.wanted_fields:
            params["Fields"] = ",".join(self.wanted_fields)
        if self.updated_since_filter and since is not None:
            params |= self.updated_since_filter.params(since)
        return params

    def is_selected(self, breadcrumb: Breadcrumb) -> bool:
        """Return whether the catalog selects a column, and all that it is nested in."""
        return all(self.mask[breadcrumb[:end]] for end in range(2, len(breadcrumb) + 1, 2))

    @cached_property
    def wanted_fields(self) -> list[str]:
        """The opt-in properties that the catalog selects."""
        wanted = {
            column.name
            for breadcrumb, column in walk_columns(self.columns)
            if self.opt_in_fields
            and self.selected
            and self.is_selected(breadcrumb)
            # A property inside of another opt-in property comes with that one.
            and not set(self.opt_in_fields).intersection(breadcrumb[:-1])
        }
        return [name for name in self.opt_in_fields if name in wanted]

    def endpoint(self, subpath: str = "") -> Endpoint:
        """Return the stream's endpoint, or one below its path."""
        return Endpoint(self.path + subpath, self.scope, self.name)

    def fetch_page(
        self, endpoint: Endpoint, ids: dict[str, str], params: dict[str, Any]
    ) -> Response[Page]:
        """Request one page, with the query parameters of the page included."""
        parse = self.response_format.parse
        return self.session.client.get(endpoint, ids, params, parse, self._decode_usual)

    def read_list(
        self, ids: dict[str, str], params: dict[str, Any], subpath: str = ""
    ) -> ListReader:
        """Return the reader of a list, or of a sample to test the connection.

        Args:
            ids: Values for the placeholders of the path.
            params: Query parameters except those of the page.
            subpath: Appended to the stream's path.
        """
        endpoint = self.endpoint(subpath)
        return ListReader(
            lambda page_params: self.fetch_page(endpoint, ids, {**params, **page_params}),
            self.response_format.paginator,
            self.row_key,
            page_size=self.session.settings.page_size,
            sample_rows=self.sample_rows,
            on_rewind=partial(self.session.status.count_rewind, self.name),
        )

    @property
    def _can_have_types(self) -> bool:
        """Whether rows may be decoded to a type, as nothing but the tap's own code sees them."""
        return (
            self.is_written_directly
            and self.has_usual_rows
            and self.response_format.is_value_list
            and self.row_key.is_plain
        )

    @cached_property
    def _needed_properties(self) -> set[str]:
        """The properties that are read of rows before they become records."""
        names = {*self.row_key.sources, *VERSION_PROPERTIES}
        return names | {self.updated_at_field} if self.updated_at_field else names

    @cached_property
    def row_key(self) -> RowKey:
        """Tells the rows of one list apart: the primary key without the parent's id."""
        columns = {column.name: column for column in self.columns}
        # A catalog may have other keys, or none: they are those of the target's table.
        own_keys: Sequence[str] = cast("Any", type(self)).primary_keys
        return RowKey([columns[name] for name in own_keys if name != self.parent_key])

    def complete_pass(self, reached: int | None, digest: ParentDigest | None = None) -> None:
        """Move the bookmark to the ticks at which the next run shall start, if there are any."""
        if self.selected and self.sample_rows is None and reached is not None:
            self.state_manager.complete_pass(reached, digest)
