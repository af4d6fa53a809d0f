"""Reads many parents at the same time, and yields the results one by one, in order.

Requests wait for the network, so a few threads use up the rate limit. Their results pass through a
window of bounded size to the main thread, the only one that writes messages: the output is the same
whatever the number of threads. It cannot deadlock: the main thread waits for nothing but the oldest
slot of the window, and a thread that works on the oldest slot never waits for room.

When the run must stop, work that has started is still consumed, since its requests already count
against the rate limit; work that is only queued is not. The threads are daemons: a process that is
stopped does not wait for responses.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections import deque
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from tap_smokeball.run.status import RunInterruptedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from tap_smokeball.api.request_counts import RequestCounts
    from tap_smokeball.run.status import RunStatus

T = TypeVar("T")
Item = TypeVar("Item")

SLOTS_PER_WORKER = 20
"""Slots of the window for each thread: one slow response must not leave the others idle."""

MAX_BUFFERED_BYTES = 1_200_000
"""Bytes of response bodies whose rows may wait in the window before no more are requested. It
bounds the memory, and rows are consumed while they are still in the processor's caches. A row takes
several times as much memory as its bytes."""

MAX_HELD_BYTES = 4_000_000
"""Bytes of response bodies that may wait in the window or be on their way. Five pages of 500 rows
have room, unless their rows are much larger than usual: then the network is the limit anyway."""

POLL_SECONDS = 0.2
"""How long the main thread waits before it checks for a signal."""


class WorkerPool:
    """A few daemon threads that send requests.

    Args:
        size: Number of threads.
        status: Says when no more work may start, and when to abandon work.
        on_idle: Called by the main thread whenever it is about to wait, a few times per second.
    """

    def __init__(self, size: int, status: RunStatus, on_idle: Callable[[], None]) -> None:
        self._size = size
        self._status = status
        self._on_idle = on_idle
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._is_started = False

    def run_in_worker(self, function: Callable[[], T]) -> T:
        """Call a function in a thread, so that a signal need not wait for it.

        Raises:
            RunInterruptedError: A signal stops the run.
            TimeLimitError: The run is over, and the function does not return.
        """
        future = self._submit(function)
        # `result` cannot tell its own timeout from one that the function raises.
        self._wait(partial(future.exception, timeout=POLL_SECONDS))
        return future.result()

    def map_ordered(
        self,
        items: Iterable[Item],
        work: Callable[[Item], Iterable[list[T]]],
        should_pause: Callable[[], bool] = bool,
    ) -> Generator[tuple[Item, Iterator[list[T]]], None, None]:
        """Yield each item with the pieces that ``work`` makes of it, in the order of the items.

        The pieces come as they are made, and must be consumed before the next item. Items are taken
        only when the window has room, and none once the run must stop or ``should_pause`` returns
        true. An error of ``work`` is raised among the pieces of its item; later items are dropped.

        Raises:
            RunInterruptedError: A signal stops the run.
        """
        slots: deque[_Slot[Item, T]] = deque()
        window = _OrderedWindow(work, self._status.transport.counts)
        upcoming = iter(items)
        try:
            while True:
                if self._status.should_stop or should_pause():
                    upcoming = iter(())
                    while slots and slots[-1].future.cancel():  # threads take the oldest first
                        slots.pop()
                while len(slots) < self._size or (
                    len(slots) < SLOTS_PER_WORKER * self._size and not window.is_full
                ):
                    item = next(upcoming, None)
                    if item is None:
                        break
                    slot = window.open_slot(item)
                    slot.future = self._submit(partial(window.fill, slot))
                    slots.append(slot)
                if not slots:
                    return
                slot = slots.popleft()
                window.promote(slot)
                yield slot.item, self._pieces(window, slot)
        finally:
            window.close()
            for slot in slots:
                slot.future.cancel()

    def close(self) -> None:
        """Let the threads end after their current task; does not wait for them."""
        if self._is_started:
            self._is_started = False
            for _ in range(self._size):
                self._tasks.put(None)

    def _submit(self, function: Callable[[], T]) -> Future[T]:
        if not self._is_started:
            self._is_started = True
            for number in range(1, self._size + 1):
                name = f"smokeball-{number}"
                threading.Thread(target=self._serve, name=name, daemon=True).start()
        future: Future[T] = Future()

        def task() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                    future.set_exception(error)

        self._tasks.put(task)
        return future

    def _pieces(self, window: _OrderedWindow[Item, T], slot: _Slot[Item, T]) -> Iterator[list[T]]:
        poll = partial(slot.pieces.get, timeout=POLL_SECONDS)
        while (piece := self._wait(poll)) is not None:
            rows, size_bytes = piece
            del piece
            window.consumed(size_bytes)
            yield rows
        slot.future.result()

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
            del task  # a result must not stay alive in an idle thread

    def _wait(self, poll: Callable[[], T]) -> T:
        while True:
            self._on_idle()
            try:
                return poll()
            except (FutureTimeoutError, queue.Empty):
                self._status.raise_if_stopped()
                self._status.raise_if_overdue()


class _Slot(Generic[Item, T]):
    """An item in the window, and its pieces that wait for the main thread; None ends them.

    Attributes:
        pieces: The pieces, each with the bytes of the responses that it came from.
        page_bytes: Bytes of its last piece: those of the next one are about as many.
    """

    future: Future[None]

    def __init__(self, item: Item, position: int) -> None:
        self.item = item
        self.position = position
        self.pieces: queue.SimpleQueue[tuple[list[T], int] | None] = queue.SimpleQueue()
        self.page_bytes = 0


class _OrderedWindow(Generic[Item, T]):
    """The state that the threads share while they work on the items of one call."""

    def __init__(self, work: Callable[[Item], Iterable[list[T]]], counts: RequestCounts) -> None:
        self._work = work
        self._counts = counts
        self._changed = threading.Condition()
        self._buffered_bytes = self._coming_bytes = 0
        self._bytes_done = self._opened = self._done = 0
        self._oldest = -1
        self._failed_at = sys.maxsize
        self._is_closed = False

    @property
    def is_full(self) -> bool:
        """Whether as many bytes wait, or are to be expected, as may: no more are requested."""
        if not self._done:
            return True
        expected = self._bytes_done / self._done * (self._opened - self._done)
        return self._buffered_bytes + expected >= MAX_BUFFERED_BYTES

    def open_slot(self, item: Item) -> _Slot[Item, T]:
        """Return the slot of another item."""
        self._opened += 1
        return _Slot(item, self._opened - 1)

    def fill(self, slot: _Slot[Item, T]) -> None:
        """Work on a slot, unless an earlier one failed: no row after a failure is consumed."""
        if slot.position > self._failed_at:
            return
        begun = before = self._counts.received_bytes
        try:
            for piece in self._work(slot.item):
                received = self._counts.received_bytes
                self._add(slot, piece, received - before)
                before = received
        except BaseException:
            with self._changed:
                self._failed_at = min(self._failed_at, slot.position)
            raise
        finally:
            with self._changed:
                self._done += 1
                self._bytes_done += self._counts.received_bytes - begun
                self._stop_expecting(slot)
            slot.pieces.put(None)

    def promote(self, slot: _Slot[Item, T]) -> None:
        """Make a slot the oldest, so that it need not wait for room."""
        with self._changed:
            self._oldest = slot.position
            self._changed.notify_all()

    def consumed(self, size_bytes: int) -> None:
        """Count a piece as no longer waiting."""
        with self._changed:
            self._buffered_bytes -= size_bytes
            if self._buffered_bytes < MAX_BUFFERED_BYTES:
                self._changed.notify_all()

    def close(self) -> None:
        """Let no thread wait any longer: nothing more is consumed."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _add(self, slot: _Slot[Item, T], piece: list[T], size_bytes: int) -> None:
        """Hand over a piece, and wait until there is room for the next."""
        with self._changed:
            self._stop_expecting(slot)
            self._buffered_bytes += size_bytes
            slot.pieces.put((piece, size_bytes))
            while slot.position > self._oldest and not self._has_room(size_bytes):
                if self._is_closed:
                    raise RunInterruptedError
                self._changed.wait()
            slot.page_bytes = size_bytes
            self._coming_bytes += size_bytes

    def _has_room(self, page_bytes: int) -> bool:
        """Return whether a page may be requested, besides those of the oldest slot."""
        held = self._buffered_bytes + self._coming_bytes + page_bytes
        return self._buffered_bytes < MAX_BUFFERED_BYTES and held <= MAX_HELD_BYTES

    def _stop_expecting(self, slot: _Slot[Item, T]) -> None:
        self._coming_bytes -= slot.page_bytes
        slot.page_bytes = 0
        if self._coming_bytes < MAX_HELD_BYTES:
            self._changed.notify_all()
