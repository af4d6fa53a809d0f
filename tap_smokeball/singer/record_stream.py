"""From records to messages, without what the SDK does to each record on the way.

There every record passes through a dozen methods that keep partitions, move bookmarks and fit
types. Here a stream has no partitions, `tap_smokeball.sync.bookmarks` keeps the bookmark, and
`tap_smokeball.records.record_builder` has made the types fit.
"""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from singer_sdk import Stream
from singer_sdk.mapper import SameRecordTransform

from tap_smokeball.singer.message_writer import Record

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from singer_sdk.helpers import types

COUNTED_AT_ONCE = 100
"""Records between two looks at the metrics."""


class EmittingStream(Stream):
    """A stream whose records become messages as directly as its settings allow."""

    @override
    def _sync_records(
        self,
        context: types.Context | None = None,
        *,
        write_messages: bool = True,
    ) -> Generator[dict[str, Any], Any, Any]:
        """Write and yield the records.

        Private in the SDK. Overridden for what this module says; it keeps the metrics, the limit
        of ``--test`` and the final STATE.
        """
        selected, limited = self.selected, self.ABORT_AT_RECORD_COUNT is not None
        write = self._write_record_message
        index = counted = 0
        with self.get_record_counter() as counter, self.get_sync_timer():
            records = cast("Iterable[types.Record]", self.get_records(context))
            for index, record in enumerate(records, 1):
                if limited:
                    self._check_max_record_limit(current_record_index=index - 1)
                if not selected:
                    continue
                if write_messages:
                    write(record)
                if index - counted == COUNTED_AT_ONCE:
                    counter.increment(COUNTED_AT_ONCE)
                    counted = index
                yield record
            if selected:
                counter.increment(index - counted)
        self._finalize_state(self.stream_state)
        if write_messages:
            self._write_state_message()

    @override
    def _write_record_message(self, record: types.Record) -> None:
        """Write the RECORD message of a record, or what stream maps make of it.

        Private in the SDK. Overridden because there is nothing to map, for most.
        """
        if self._is_mapped:
            super()._write_record_message(record)
        else:
            extracted = datetime.now(timezone.utc)
            message = Record(self.name, record, self._stream_version, extracted)
            self._tap.write_message(message)

    @cached_property
    def _is_mapped(self) -> bool:
        """Whether records leave as another than they are, or more or less often than once."""
        maps = self.stream_maps
        return not (
            len(maps) == 1
            and type(maps[0]) is SameRecordTransform
            and maps[0].stream_alias == self.name
            and not maps[0].flattening_enabled
        )
