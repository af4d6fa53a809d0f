"""From records to messages, without the SDK's work on each record.

A stream of this tap has no partitions, `tap_smokeball.sync.bookmarks` moves its bookmark, and
`tap_smokeball.records` conforms its types. So a record becomes a message as directly as its
settings allow.
"""

from __future__ import annotations

import abc
import sys
from contextlib import closing
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, cast

from singer_sdk import metrics
from singer_sdk.batch import Batcher
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import RecordMessage as SdkRecordMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_smokeball.errors import StreamMapError
from tap_smokeball.singer.batch_files import JsonLinesBatcher, complete_encoding
from tap_smokeball.singer.message_writer import RecordMessage
from tap_smokeball.singer.sdk_compat import RecordLoopStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from contextlib import AbstractContextManager

    from singer_sdk import Tap
    from singer_sdk.batch import BaseBatcher
    from singer_sdk.helpers import types


class Outcome(Protocol):
    """How a sync ended."""

    @property
    def is_failed(self) -> bool:
        """Whether an error was kept within the stream."""


class RecordStream(RecordLoopStream):
    """A stream whose records become messages directly.

    Args:
        tap: The tap that the stream belongs to.

    Attributes:
        before_sync: Called before the first message of the stream.
        is_written_directly: Whether records are encoded as they are, and nothing else sees them.
        is_writing_state: Whether a STATE message is being written, also after that failed.
    """

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # `records` conforms the types

    def __init__(self, tap: Tap) -> None:
        self.tap = tap
        self.is_writing_state = self.is_written_directly = self._are_batches_encoded_here = False
        self.before_sync: Callable[[], None] = lambda: None
        super().__init__(tap)

    @abc.abstractmethod
    def get_pieces(self) -> Iterator[Sequence[types.Record]]:
        """Yield the records of the stream, in pieces."""

    @override
    def get_records(self, context: types.Context | None) -> Iterator[types.Record]:
        for records in self.get_pieces():
            yield from records

    @abc.abstractmethod
    def handle_errors(self) -> AbstractContextManager[Outcome]:
        """Return the context manager that handles the errors of the stream."""

    @override
    def get_replication_key_signpost(self, context: types.Context | None = None) -> Any | None:
        """Call `before_sync`: the SDK asks for the signpost before it writes the SCHEMA."""
        self.before_sync()
        return None

    @override
    def sync_records(self, *, write_messages: bool = True) -> Generator[dict[str, Any], Any, Any]:
        """Write the records of the stream, or yield them to a batch.

        It keeps the SDK's metrics and its final STATE. What was yielded before an error is written.
        """
        is_selected = self.selected
        write = self._record_writer() if write_messages and is_selected else None
        is_encoded_here = write is not None or self._are_batches_encoded_here
        self.is_written_directly = is_encoded_here and not self._is_mapped
        with self.get_record_counter() as counter, self.get_sync_timer() as timer:
            # Closed at once, whatever happens: workers wait for their rows to be consumed.
            found = cast("Generator[Sequence[types.Record], None, None]", self.get_pieces())
            with self.handle_errors() as outcome, closing(found) as pieces:
                for records in pieces:
                    if not is_selected:
                        continue
                    if write is not None:
                        write(records)
                    else:
                        yield from records
                    counter.increment(len(records))
            if outcome.is_failed:  # the error is handled, so that the SDK's timer sees none
                timer.tags[metrics.Tag.STATUS] = metrics.Status.FAILED
        self.state_manager.finalize_state(self.stream_state)
        if write_messages:
            self.write_state()

    @override
    def get_batches(
        self, batch_config: Any, context: types.Context | None = None
    ) -> Iterator[tuple[Any, list[str]]]:
        """Yield the encoding and the URL of each file of records, as stream maps change them.

        The SDK's own method passes stream maps by.
        """
        found = self.sync_records(write_messages=False)
        with closing(found):
            records = self._mapped_records(found) if self._is_mapped else found
            encoding = batch_config.encoding
            batcher_class: type[BaseBatcher] = Batcher
            if encoding.format == "jsonl":
                self._are_batches_encoded_here = True
                encoding, batcher_class = complete_encoding(encoding), JsonLinesBatcher
            batcher = batcher_class(self.tap_name, self.name, batch_config)
            for manifest in batcher.get_batches(records):
                yield encoding, manifest

    def continue_sync(self) -> None:
        """Sync more records of a stream whose SCHEMA this run has written already."""
        for _ in self.sync_records():
            pass

    def write_state(self) -> None:
        """Write a STATE message, if the state changed since the last one."""
        if not self.state_manager.is_flushed:
            self.is_writing_state = True
            self.tap.state_writer.write_state(self.tap_state)
            self.is_writing_state = False
            self.state_manager.is_flushed = True

    def _record_writer(self) -> Callable[[Sequence[types.Record]], None]:
        """Return the function that writes the messages of records.

        It raises `StreamMapError` if an expression of a stream map fails.
        """
        put = self.tap.message_writer.write_message
        if self._is_mapped:

            def write_mapped(records: Sequence[types.Record]) -> None:
                for record in records:
                    for message in self._mapped_messages(record):
                        put(message)

            return write_mapped
        name, version = self.name, self._table_version

        def write(records: Sequence[types.Record]) -> None:
            extracted = datetime.now(timezone.utc)
            for record in records:
                put(RecordMessage(name, record, version, extracted))

        return write

    def _mapped_messages(self, record: types.Record) -> Iterator[SdkRecordMessage]:
        extracted = datetime.now(timezone.utc)
        for alias, mapped in self._map(record):
            yield SdkRecordMessage(
                stream=alias,
                record=mapped,
                version=self._table_version,
                time_extracted=extracted,
            )

    def _mapped_records(self, records: Iterator[types.Record]) -> Iterator[types.Record]:
        for record in records:
            for _, mapped in self._map(record):
                yield mapped

    def _map(self, record: types.Record) -> Iterator[tuple[str, types.Record]]:
        """Yield the records that stream maps make of a record, each with its stream's name."""
        for stream_map in self.stream_maps:
            try:
                mapped = stream_map.transform(record)
            except Exception as error:  # noqa: BLE001 - an expression can fail in any way
                raise StreamMapError(
                    f"stream_maps: an expression for stream `{self.name}` fails on a record "
                    f"({type(error).__name__})",
                    "Check its names; every column can be null",
                ) from None
            if mapped is not None:
                if stream_map.flattening_enabled:
                    mapped = _complete_flat_record(mapped, stream_map.transformed_schema)
                yield stream_map.stream_alias, mapped

    @property
    def replaces_table(self) -> bool:
        """Whether each sync activates a new version of the table, and deletes the old rows."""
        return (
            self.emit_activate_version_messages
            and self.replication_method == REPLICATION_FULL_TABLE
        )

    @cached_property
    def _table_version(self) -> int | None:
        """The version of the SDK's ACTIVATE_VERSION message, if it writes one."""
        return self.tap.initialized_at // 1000 if self.replaces_table else None

    @cached_property
    def _is_mapped(self) -> bool:
        """Whether stream maps change, drop or multiply records."""
        maps = self.stream_maps
        return not (
            len(maps) == 1
            and type(maps[0]) is SameRecordTransform
            and maps[0].stream_alias == self.name
            and not maps[0].flattening_enabled
        )


def _complete_flat_record(record: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return a flattened record with a null for each declared column that it lacks.

    The SDK passes an object that is null on under its own name, which the SCHEMA does not have.
    """
    declared = schema["properties"]
    kept = {name: v for name, v in record.items() if v is not None or name in declared}
    return {**dict.fromkeys(declared), **kept}
