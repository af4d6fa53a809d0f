"""Says how far a run is while it lasts: a display on a terminal, a line in the log elsewhere.

The display needs the extra ``progress``; without it there are lines. It is drawn on standard error
only, and not at all where standard output is a terminal too: there the messages scroll. Log lines
pass above it. Nothing here is in the way of the rows: a thread looks at the run's counters.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tap_smokeball.run.request_estimate import words
from tap_smokeball.run.status import StreamStatus

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from tap_smokeball.run.status import RunStatus, StreamResult

LINE_EVERY_SECONDS = 10.0
RATE_OVER_SECONDS = 30.0
"""The rate of requests is that of the last while: a run waits at times."""

FRAMES_A_SECOND = 4
FRAME_LINES = 3
"""Lines of the display besides the streams, and one that stays free."""


@contextmanager
def shown(run: RunStatus, allowance: float) -> Iterator[None]:
    """Show how far a run is while the block lasts.

    Args:
        run: The run.
        allowance: Requests a second that it may make.
    """
    if not run.logger.isEnabledFor(logging.INFO):
        yield
        return
    pace = _Pace(run, allowance)
    with _display(run, pace) if _is_for_people() else _lines(run, pace):
        yield


def _is_for_people() -> bool:
    terminal = os.environ.get("TERM", "").lower() not in {"", "dumb", "unknown"}
    plain = not terminal or bool(os.environ.get("NO_COLOR"))
    return (
        sys.stderr.isatty()
        and not sys.stdout.isatty()
        and not plain
        and find_spec("rich") is not None
    )


class _Pace:
    """How fast the run is, and so how long it still takes."""

    def __init__(self, run: RunStatus, allowance: float) -> None:
        self.allowance = allowance
        self._run = run
        self._seen = deque([(time.monotonic(), run.requests)])

    def look(self) -> tuple[float, str]:
        """Return requests a second, and the time left in words; nothing if it is not known."""
        now = (time.monotonic(), self._run.requests)
        self._seen.append(now)
        while len(self._seen) > 2 and now[0] - self._seen[1][0] > RATE_OVER_SECONDS:  # noqa: PLR2004
            self._seen.popleft()
        seconds, requests = (new - old for new, old in zip(now, self._seen[0], strict=True))
        rate = requests / seconds if seconds else 0.0
        left = self._run.requests_left
        if left is None:
            return rate, ""
        seconds = left / (rate or self.allowance)
        limit = self._run.limit_seconds
        if limit is not None and limit - self._run.age < seconds:
            return rate, f"{words(max(0.0, limit - self._run.age))} to the time limit left"
        return rate, f"{words(seconds)} left"


def _current(run: RunStatus) -> StreamResult | None:
    results = list(run.results.values())
    return next((result for result in results if result.outcome is StreamStatus.BEGUN), None)


@contextmanager
def _lines(run: RunStatus, pace: _Pace) -> Iterator[None]:
    """Write a line every ten seconds, and none in a run that is shorter."""
    over = threading.Event()

    def tell() -> None:
        while not over.wait(LINE_EVERY_SECONDS):
            if (result := _current(run)) is not None:
                run.logger.info("%s", ", ".join(_parts(result, pace)))

    thread = threading.Thread(target=tell, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _parts(result: StreamResult, pace: _Pace) -> Iterator[str]:
    forecast = result.forecast
    yield f"{result.stream}: {_steps(result)} {forecast.noun}"
    yield f"{result.rows:,} rows"
    rate, left = pace.look()
    yield f"{rate:.1f} requests/s"
    if left:
        yield left


def _steps(result: StreamResult) -> str:
    forecast = result.forecast
    return f"{forecast.done:,}" + (f" of {forecast.steps:,}" if forecast.steps is not None else "")


@contextmanager
def _display(run: RunStatus, pace: _Pace) -> Iterator[None]:
    """Draw a table of the streams that is renewed in its place, and gone at the end."""
    from rich.console import Console  # noqa: PLC0415 - costs start-up, and is an extra
    from rich.live import Live  # noqa: PLC0415

    console = Console(file=sys.stderr, highlight=False, markup=False, emoji=False)
    live = Live(
        get_renderable=lambda: _screen(run, pace, console),
        console=console,
        refresh_per_second=FRAMES_A_SECOND,
        transient=True,
        redirect_stdout=False,  # messages: nobody may touch them
        redirect_stderr=False,
    )
    with _above(console), live:
        console.show_cursor()  # a process that is killed must not leave the terminal without
        yield


def _screen(run: RunStatus, pace: _Pace, console: Console) -> RenderableType:
    from rich.console import Group  # noqa: PLC0415 - as above
    from rich.progress_bar import ProgressBar  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    results = list(run.results.values())
    for result in _fitting(results, console.size.height - FRAME_LINES):
        share = 1.0 if result.outcome is StreamStatus.COMPLETE else result.forecast.share
        begun = result.outcome is StreamStatus.BEGUN
        state = result.ended
        if begun:
            state = f"{_steps(result)} {result.forecast.noun}"
        elif result.outcome in {StreamStatus.NOT_REACHED, StreamStatus.TIME_LIMIT}:
            state = "waits"
        table.add_row(
            Text(result.stream, style="bold" if begun else ""),
            ProgressBar(total=1.0, completed=share, width=20),
            f"{result.rows:,} rows",
            Text(state, style="red" if result.failed else ""),
        )
    done = sum(result.outcome is StreamStatus.COMPLETE for result in results)
    rate, left = pace.look()
    left_of_all = run.requests_left
    parts = [f"{done} of {len(results)} streams"]
    if left_of_all is not None:
        share = run.requests / (run.requests + left_of_all or 1)
        parts.append(f"{share:.0%} done")
    parts.append(f"{rate:.1f} of {pace.allowance:g} requests/s")
    parts += [left] if left else []
    return Group(table, Text(", ".join(parts), style="bold", no_wrap=True))


def _fitting(results: list[StreamResult], room: int) -> list[StreamResult]:
    """Return as many streams as fit: those at work and to come before those that are done."""
    surplus = len(results) - max(1, room)
    if surplus <= 0:
        return results
    at_work = next((at for at, r in enumerate(results) if r.outcome is StreamStatus.BEGUN), 0)
    first = min(at_work, surplus)
    return results[first : first + max(1, room)]


@contextmanager
def _above(console: Console) -> Iterator[None]:
    """Have log lines and warnings pass above the display."""
    stderr = sys.stderr
    above = _Above(console)
    loggers = [logging.getLogger(), *logging.root.manager.loggerDict.values()]
    handlers = {
        handler
        for logger in loggers
        if isinstance(logger, logging.Logger)
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is stderr
    }
    for handler in handlers:
        handler.setStream(above)
    sys.stderr = above
    try:
        yield
    finally:
        sys.stderr = stderr
        for handler in handlers:
            handler.setStream(stderr)
        above.close()


class _Above(io.TextIOBase):
    """Standard error while there is a display: whole lines, above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rest = ""
        self._lock = threading.RLock()

    @override
    def write(self, text: str, /) -> int:
        with self._lock:
            lines, end, self._rest = (self._rest + text).rpartition("\n")
            if end:
                self._console.print(lines, soft_wrap=True)
        return len(text)

    @override
    def close(self) -> None:
        if self._rest:
            self._console.print(self._rest, soft_wrap=True)
            self._rest = ""
        super().close()

    @override
    def fileno(self) -> int:
        return self._console.file.fileno()

    @override
    def isatty(self) -> bool:
        return True
