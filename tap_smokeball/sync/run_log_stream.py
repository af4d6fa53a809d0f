"""Streams about the run itself: rows that the tap makes, without a request and without a state."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from tap_smokeball import dotnet_ticks
from tap_smokeball.errors import SmokeballError
from tap_smokeball.run.status import StreamResult, StreamStatus
from tap_smokeball.sync.bookmarks import BookmarkManager
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.declared_stream import DeclaredStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers import types

    from tap_smokeball.singer.message_writer import BufferedMessageWriter
    from tap_smokeball.sync.base_stream import SmokeballStream


class RunLogStream(DeclaredStream):
    """A stream with one row for each selected stream of the run.

    The runner writes it at the end. If the SDK drives the run, no one knows when that is, and the
    stream has no rows.
    """

    emit_activate_version_messages = False  # a new version would delete the rows of earlier runs

    @cached_property
    @override
    def result(self) -> StreamResult:
        """The result of the stream, which is none of the run's unless it failed."""
        return StreamResult(self.name)

    @cached_property
    @override
    def state_manager(self) -> BookmarkManager:
        """A state that no message contains."""
        return BookmarkManager(
            tap_name=self.tap_name,
            stream_name=self.name,
            tap_state={},
            settings=self.session.settings,
            column=lambda: None,
        )

    @override
    def write_state(self) -> None:
        """Do nothing: the other streams wrote their state, which `log_run` repeats."""

    def log_run(self, streams: Iterable[SmokeballStream]) -> None:
        """Write the rows of a run that is over.

        Args:
            streams: The streams of the run, selected or not.
        """
        self._rows = [self._row(stream) for stream in streams if stream.selected]
        self.sync()
        if self._rows:
            cast("BufferedMessageWriter", self.tap.message_writer).repeat_state()

    def _row(self, stream: SmokeballStream) -> dict[str, Any]:
        run, result = self.session.status, stream.result
        bookmark = stream.state_manager.last_completed or None
        return {
            "runId": run.run_id,
            "stream": stream.name,
            "runStartedAt": _to_column(run.started_at),
            "startedAt": _to_column(result.started_at),
            "endedAt": _to_column(result.ended_at),
            "status": result.status.name.lower(),
            "error": type(result.error).__name__ if result.error else None,
            "rowsRead": result.rows,
            "requests": run.transport.requests[stream.name],
            "unreadParents": result.unread_parents,
            "bookmark": _to_column(bookmark),
            "loadedUntil": _to_column(self._loaded_until(stream)),
        }

    def _loaded_until(self, stream: SmokeballStream) -> int | None:
        """Return the ticks before which all changes are loaded, by the earlier of both clocks."""
        result = stream.result
        if result.status is not StreamStatus.COMPLETE or result.started_at is None:
            return None
        if isinstance(stream, ChildStream):
            # Its pass starts when the parents are listed, maybe in an earlier run. The bookmark of
            # other streams can be the time of their newest row.
            return stream.loaded_until
        return result.started_at + min(0, self.session.client.clock.lead or 0)

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        return []

    @override
    def get_pieces(self) -> Iterator[list[types.Record]]:
        yield from self.record_builder.records(self._rows, {})

    @override
    @contextmanager
    def handle_errors(self) -> Iterator[StreamResult]:
        """Keep an error of a stream map within the stream."""
        try:
            yield self.result
        except SmokeballError as error:
            self.result.fail(error)


def _to_column(ticks: int | None) -> str | None:
    return None if ticks is None else dotnet_ticks.to_column(ticks)
