"""Drives a run: the order of the streams, the time limit, and failures kept apart."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from tap_smokeball.errors import (
    BatchStorageError,
    ParentListError,
    SmokeballError,
    StreamsFailedError,
    UnreadParentsError,
    os_error_message,
)
from tap_smokeball.run.gc_tuning import rare_garbage_collection
from tap_smokeball.run.status import RunInterruptedError
from tap_smokeball.run.stop_signals import stop_on_signals
from tap_smokeball.sync.child_stream import ChildStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from singer_sdk import Stream

    from tap_smokeball.session import Session
    from tap_smokeball.sync.base_stream import SmokeballStream


class Runner:
    """Syncs the selected streams of a tap.

    Args:
        streams: All streams of the tap.
        session: What the streams share.
    """

    def __init__(self, streams: Iterable[Stream], session: Session) -> None:
        wanted = [
            stream
            for stream in cast("Iterable[SmokeballStream]", streams)
            if stream.selected or stream.has_selected_descendents
        ]
        self.top_level = [stream for stream in wanted if not isinstance(stream, ChildStream)]
        self.children = [stream for stream in wanted if isinstance(stream, ChildStream)]
        self._session = session
        self._status = session.status

    @contextmanager
    def running(self) -> Iterator[None]:
        """Surround a run, a plan or a connection test.

        Raises:
            RunInterruptedError: A signal stopped the run; the next one resumes.
            StreamsFailedError: A stream failed; the others are complete.
        """
        self._status.is_supervised = True
        for stream in self.top_level:
            stream.result.estimate.start(1, "pages")
        for stream in self.children:
            self._status.result(stream.name)
        with stop_on_signals(self._status.stop), rare_garbage_collection():
            try:
                yield
            except RunInterruptedError:
                pass
            finally:
                self._session.close()
        if self._status.signal:
            raise RunInterruptedError(self._status.signal)
        if failures := self._status.failures:
            names = ", ".join(result.stream for result in failures)
            raise StreamsFailedError(
                f"{len(failures)} of {len(self._status.results)} streams failed: {names}"
            )

    def sync(self) -> None:
        """Sync top-level streams, then child streams.

        Child streams with the oldest complete pass come first, not in the order of their names:
        with a time limit, the last ones would never be reached.
        """
        for stream in self.top_level:
            self._sync(stream, stream.sync)
        children = sorted(
            self.children, key=lambda child: (child.state_manager.last_completed, child.name)
        )
        ready = [child for child in children if self._is_ready(child)]
        for child in ready:
            pending = len(child.parent_order.pending)
            child.result.estimate.start(pending, child.parent_stream.plural_name)
        begun = self._sync_recent_changes(ready) if self._status.limit_seconds is not None else []
        for child in ready:
            self._sync(child, child.continue_sync if child in begun else child.sync)

    def sample(self, max_rows: int) -> None:
        """Read a few records of each stream, to test the connection."""
        for stream in (*self.top_level, *self.children):
            stream.ABORT_AT_RECORD_COUNT = max_rows
            stream.selected = True
        self.sync()

    def _sync_recent_changes(self, children: list[ChildStream]) -> list[ChildStream]:
        """Sync the parents that changed since the last run; return the child streams with some.

        Not with batches, which are closed only at the end of a sync.
        """
        changed = [c for c in children if c.parent_order.has_recent_changes and not c.is_batched]
        for child in changed:
            child.should_run_full_pass = False
            self._sync(child, child.sync)
            child.should_run_full_pass = True
        return changed

    def _is_ready(self, child: ChildStream) -> bool:
        if self._status.result(child.parent_stream.name).is_failed:
            child.fail(ParentListError(f"{child.parent_stream.name} could not be listed"))
            return False
        return not self._status.should_stop

    def _sync(self, stream: SmokeballStream, sync: Callable[[], None]) -> None:
        result = stream.result
        if self._status.should_stop or result.is_failed:
            return
        started, state_before = time.monotonic(), stream.state_manager.snapshot()
        try:
            sync()
            if stream.is_batched and not result.is_failed:
                stream.write_state()  # the SDK writes one after each BATCH, and the last has none
        except SmokeballError as error:
            stream.fail(error)
        except (ImportError, OSError) as error:
            if not stream.is_batched:
                raise
            reason = f"batch_config: its storage cannot be used: {os_error_message(error)}"
            stream.fail(BatchStorageError(reason))
        finally:
            is_orderly = isinstance(stream.result.error, UnreadParentsError)
            if stream.result.is_failed and stream.is_batched and not is_orderly:
                # Its last records may not be written.
                stream.state_manager.restore(state_before)
                stream.write_state()
            result.seconds += time.monotonic() - started
