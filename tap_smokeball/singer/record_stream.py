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
from typing import TYPE_CHECKING, Any, cast

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import RecordMessage as SdkRecordMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_smokeball.errors import StreamMapError
from tap_smokeball.singer.message_writer import RecordMessage
from tap_smokeball.singer.sdk_compat import RecordLoopStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from contextlib import AbstractContextManager

    from singer_sdk import Tap
    from singer_sdk.helpers import types

METRICS_EVERY_RECORDS = 100


class RecordStream(RecordLoopStream):
    """A stream whose records become messages directly.

    Args:
        tap: The tap that the stream belongs to.
    """

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # `records` conforms the types

    def __init__(self, tap: Tap) -> None:
        self.tap = tap
        super().__init__(tap)

    @abc.abstractmethod
    def handle_errors(self) -> AbstractContextManager[None]:
        """Return what surrounds the work of the stream, to handle its errors."""

    @override
    def sync_records(self, *, write_messages: bool = True) -> Generator[dict[str, Any], Any, Any]:
        """Yield the records of the stream, and write them unless a batch takes them.

        It keeps the SDK's metrics and its final STATE. What was yielded before an error is written.
        """
        is_selected = self.selected
        write = self.write_record
        index = counted = 0
        with self.get_record_counter() as counter, self.get_sync_timer():
            # Closed at once, whatever happens: workers wait for their rows to be consumed.
            found = cast("Generator[types.Record, None, None]", self.get_records(None))
            with self.handle_errors(), closing(found) as records:
                for index, record in enumerate(records, 1):
                    if not is_selected:
                        continue
                    if write_messages:
                        write(record)
                    if index - counted == METRICS_EVERY_RECORDS:
                        counter.increment(METRICS_EVERY_RECORDS)
                        counted = index
                    yield record
            if is_selected:
                counter.increment(index - counted)
        self.state_manager.finalize_state(self.stream_state)
        if write_messages:
            self.write_state()

    def continue_sync(self) -> None:
        """Sync more records of a stream whose SCHEMA this run has written already."""
        for _ in self.sync_records():
            pass

    def write_state(self) -> None:
        """Write a STATE message, if the state changed since the last one."""
        if not self.state_manager.is_flushed:
            self.tap.state_writer.write_state(self.tap_state)
            self.state_manager.is_flushed = True

    def write_record(self, record: types.Record) -> None:
        """Write the RECORD message of a record, or those that stream maps make of it.

        Raises:
            StreamMapError: An expression of a stream map fails.
        """
        if self._is_mapped:
            for message in self._mapped_messages(record):
                self.tap.write_message(message)
        else:
            extracted = datetime.now(timezone.utc)
            plain = RecordMessage(self.name, record, self._table_version, extracted)
            self.tap.write_message(plain)

    def _mapped_messages(self, record: types.Record) -> Iterator[SdkRecordMessage]:
        extracted = datetime.now(timezone.utc)
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
                yield SdkRecordMessage(
                    stream=stream_map.stream_alias,
                    record=mapped,
                    version=self._table_version,
                    time_extracted=extracted,
                )

    @cached_property
    def _table_version(self) -> int | None:
        """The version of the SDK's ACTIVATE_VERSION message, if it writes one."""
        if (
            self.emit_activate_version_messages
            and self.replication_method == REPLICATION_FULL_TABLE
        ):
            return self.tap.initialized_at // 1000
        return None

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
