"""Works on many parents at once, and hands the results over one by one, in order.

Requests wait for the network, so a few threads fill the allowance. Their results go through a
window of bounded size to the main thread, the only one that writes messages: output is the same
however many threads there are. It cannot deadlock: the main thread waits for nothing but the oldest
entry of the window, and a thread that is at the oldest entry never waits for room.

When the run is over, what is under way is still taken, since it was paid for, and what only waits
in line is not. The threads are daemons: a process that is told to stop does not wait for answers.
"""

from __future__ import annotations

import gc
import queue
import sys
import threading
from collections import deque
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as NotYet
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from tap_smokeball.run.status import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from tap_smokeball.run.status import RunStatus

T = TypeVar("T")
Item = TypeVar("Item")

AHEAD = 20
"""Entries of the window for each thread: one slow answer must not leave the others idle."""

MOST_ROWS_WAITING = 2_000
"""Rows that may wait in the window before no more are asked for: it bounds the memory, and what was
read is taken while it is still in the processor's caches."""

GC_THRESHOLDS = (50_000, 20, 100)
"""How rarely Python looks for reference cycles while workers are at it: rows have none, and there
are always many of them, so that each look takes long and finds nothing."""

TICK_SECONDS = 0.2
"""How long the main thread waits before it looks whether it is told to stop."""


class WorkerPool(Executor):
    """A few daemon threads.

    Args:
        count: How many.
        run: Tells when no more work may begin, and when to give up what is under way.
        tend: Called by the main thread whenever it is about to wait, a few times a second.
    """

    _gc_thresholds: tuple[int, int, int]

    def __init__(self, count: int, run: RunStatus, tend: Callable[[], None]) -> None:
        self._count = count
        self._run = run
        self._tend = tend
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._started = False

    @override
    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Have one of the threads call a function."""
        if not self._started:
            self._started = True
            self._gc_thresholds = gc.get_threshold()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)
            for number in range(self._count):
                name = f"smokeball-{number + 1}"
                threading.Thread(target=self._serve, name=name, daemon=True).start()
        future: Future[T] = Future()

        def task() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                    future.set_exception(error)

        self._tasks.put(task)
        return future

    def call(self, fn: Callable[[], T]) -> T:
        """Call a function in a thread, so that the wait for it can be given up.

        Raises:
            Stopped: The run was told to stop.
        """
        future = self.submit(fn)
        # `result` would not tell its own time-out from one that the function raises.
        self._wait(partial(future.exception, timeout=TICK_SECONDS))
        return future.result()

    def in_order(
        self,
        items: Iterable[Item],
        work: Callable[[Item], Iterable[list[T]]],
    ) -> Generator[tuple[Item, Iterator[list[T]]], None, None]:
        """Yield each item with the pieces that ``work`` makes of it, in the order of the items.

        The pieces come as they are made, and are to be taken before the next item. Items are taken
        only as the window has room for them, and none once the run is over. What ``work`` raises is
        raised among the pieces of its item; later items are let be.

        Raises:
            Stopped: The run was told to stop.
        """
        window: deque[_Entry[Item, T]] = deque()
        fan = _Fan(work)
        upcoming = iter(items)
        try:
            while True:
                if self._run.is_over:
                    upcoming = iter(())
                    while window and window[-1].future.cancel():  # threads take the oldest first
                        window.pop()
                while len(window) < self._count or (
                    len(window) < AHEAD * self._count and not fan.is_full
                ):
                    item = next(upcoming, None)
                    if item is None:
                        break
                    entry = fan.begin(item)
                    entry.future = self.submit(fan.work_on, entry)
                    window.append(entry)
                if not window:
                    return
                entry = window.popleft()
                fan.attend(entry)
                yield entry.item, self._pieces(fan, entry)
        finally:
            fan.close()
            for entry in window:
                entry.future.cancel()

    def _pieces(self, fan: _Fan[Item, T], entry: _Entry[Item, T]) -> Iterator[list[T]]:
        look = partial(entry.pieces.get, timeout=TICK_SECONDS)
        while (piece := self._wait(look)) is not None:
            fan.took(piece)
            yield piece
        entry.future.result()

    @override
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end as they finish what they are at; never waits for them."""
        if not self._started:
            return
        self._started = False
        for _ in range(self._count):
            self._tasks.put(None)
        gc.set_threshold(*self._gc_thresholds)
        gc.unfreeze()

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
            del task  # a result must not live on in an idle thread

    def _wait(self, look: Callable[[], T]) -> T:
        while True:
            self._tend()
            try:
                return look()
            except (NotYet, queue.Empty):
                self._run.check()


class _Entry(Generic[Item, T]):
    """An item in the window, and the pieces that wait for the main thread; None is their end."""

    future: Future[None]

    def __init__(self, item: Item, place: int) -> None:
        self.item = item
        self.place = place
        self.pieces: queue.SimpleQueue[list[T] | None] = queue.SimpleQueue()


class _Fan(Generic[Item, T]):
    """What the threads share while they work on the items of one fan-out."""

    def __init__(self, work: Callable[[Item], Iterable[list[T]]]) -> None:
        self._work = work
        self._changed = threading.Condition()
        self._waiting = self._rows = self._begun = self._done = 0
        self._attended = -1
        self._failed_at = sys.maxsize
        self._closed = False

    @property
    def is_full(self) -> bool:
        """Whether as many rows wait, or are to be expected, as may: no more are to be asked for."""
        if not self._done:
            return True
        expected = self._rows / self._done * (self._begun - self._done)
        return self._waiting + expected >= MOST_ROWS_WAITING

    def begin(self, item: Item) -> _Entry[Item, T]:
        """Return the entry of another item."""
        self._begun += 1
        return _Entry(item, self._begun - 1)

    def work_on(self, entry: _Entry[Item, T]) -> None:
        """Do the work, unless that on an earlier item has failed: nothing behind it is taken."""
        rows = 0
        if entry.place > self._failed_at:
            return
        try:
            for piece in self._work(entry.item):
                rows += len(piece)
                self._add(entry, piece)
        except BaseException:
            with self._changed:
                self._failed_at = min(self._failed_at, entry.place)
            raise
        finally:
            with self._changed:
                self._done += 1
                self._rows += rows
            entry.pieces.put(None)

    def attend(self, entry: _Entry[Item, T]) -> None:
        """Take note that an entry is the oldest now, so that it need not wait for room."""
        with self._changed:
            self._attended = entry.place
            self._changed.notify_all()

    def took(self, piece: list[T]) -> None:
        """Take note that a piece no longer waits."""
        with self._changed:
            self._waiting -= len(piece)
            if self._waiting < MOST_ROWS_WAITING:
                self._changed.notify_all()

    def close(self) -> None:
        """Let nobody wait any longer: nothing is taken any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _add(self, entry: _Entry[Item, T], piece: list[T]) -> None:
        """Hand over a piece, and wait until there is room for the next."""
        with self._changed:
            self._waiting += len(piece)
            entry.pieces.put(piece)
            while entry.place > self._attended and self._waiting >= MOST_ROWS_WAITING:
                if self._closed:
                    raise Stopped
                self._changed.wait()
