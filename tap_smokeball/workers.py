"""Works on many parents at once, and hands the results over one by one, in order.

Requests wait for the network, so a few threads fill the allowance. Their results go through a
window of bounded size to the main thread, the only one that writes messages: output is the same
however many threads there are. It cannot deadlock: threads never wait for the window, only the
main thread does, and always for its oldest entry, which is running or done.

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
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from tap_smokeball.run import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_smokeball.run import Run

T = TypeVar("T")
Item = TypeVar("Item")

AHEAD = 20
"""Entries of the window for each thread: one slow answer must not leave the others idle."""

MOST_ROWS_WAITING = 5_000
"""Rows that may wait in the window before no more are asked for; bounds the memory."""

GC_THRESHOLDS = (50_000, 20, 100)
"""How rarely Python looks for reference cycles while workers are at it: rows have none, and there
are always many of them, so that each look takes long and finds nothing."""

TICK_SECONDS = 0.2
"""How long the main thread waits before it looks whether it is told to stop."""


class Workers(Executor):
    """A few daemon threads.

    Args:
        count: How many.
        run: Tells when no more work may begin, and when to give up what is under way.
        tend: Called by the main thread whenever it is about to wait, a few times a second.
    """

    def __init__(self, count: int, run: Run, tend: Callable[[], None]) -> None:
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
        return self._await(self.submit(fn))

    def in_order(
        self,
        items: Iterable[Item],
        work: Callable[[Item], list[T]],
    ) -> Iterator[tuple[Item, list[T]]]:
        """Yield each item with what ``work`` makes of it, in the order of the items.

        Items are taken only as the window has room for them, and none once the run is over. What
        ``work`` raises is raised here, after all earlier items were yielded; later ones are let be.

        Raises:
            Stopped: The run was told to stop.
        """
        window: deque[tuple[Item, Future[list[T]]]] = deque()
        fan = _Fan(work)
        upcoming = enumerate(items)
        try:
            while True:
                if self._run.is_over:
                    upcoming = enumerate(())
                    while window and window[-1][1].cancel():  # threads take the oldest first
                        window.pop()
                while len(window) < self._count or (
                    len(window) < AHEAD * self._count and not fan.is_full
                ):
                    place, item = next(upcoming, (0, None))
                    if item is None:
                        break
                    fan.begin()
                    window.append((item, self.submit(fan.work_on, place, item)))
                if not window:
                    return
                item, future = window.popleft()
                result = self._await(future)
                fan.took(result)
                yield item, result
        finally:
            for _, future in window:
                future.cancel()

    @override
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end as they finish what they are at; never waits for them."""
        for _ in range(self._count if self._started else 0):
            self._tasks.put(None)
        self._started = False

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
            del task  # a result must not live on in an idle thread

    def _await(self, future: Future[T]) -> T:
        while True:
            self._tend()
            try:
                future.exception(timeout=TICK_SECONDS)  # raises only if there is no result yet
            except NotYet:
                self._run.check()
            else:
                return future.result()


class _Fan(Generic[Item, T]):
    """What the threads share while they work on the items of one fan-out."""

    def __init__(self, work: Callable[[Item], list[T]]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._waiting = self._rows = self._begun = self._done = 0
        self._failed_at = sys.maxsize

    @property
    def is_full(self) -> bool:
        """Whether as many rows wait, or are to be expected, as may: no more are to be asked for."""
        if not self._done:
            return True
        expected = self._rows / self._done * (self._begun - self._done)
        return self._waiting + expected >= MOST_ROWS_WAITING

    def begin(self) -> None:
        """Take note that work on another item is begun."""
        self._begun += 1

    def work_on(self, place: int, item: Item) -> list[T]:
        """Do the work, unless that on an earlier item has failed: it is awaited first."""
        if place > self._failed_at:
            raise Stopped
        try:
            result = self._work(item)
        except BaseException:
            with self._lock:
                self._failed_at = min(self._failed_at, place)
            raise
        with self._lock:
            self._done += 1
            self._rows += len(result)
            self._waiting += len(result)
        return result

    def took(self, result: list[T]) -> None:
        """Take note that a result no longer waits."""
        with self._lock:
            self._waiting -= len(result)
