"""Shows the progress of a run: a display on a terminal, log lines elsewhere.

The display needs the extra ``progress``; without it there are log lines. It is drawn on standard
error, and not at all where standard output is a terminal too, as messages scroll there. Log lines
pass above it. Nothing here delays the rows: a thread reads the counters of the run.
"""

from __future__ import annotations

import io
import logging
import math
import os
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from tap_smokeball.run.request_estimate import PAGES, humanize_seconds
from tap_smokeball.run.status import RUNNING, StreamStatus
from tap_smokeball.run.throughput import Throughput, humanize_latency

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from tap_smokeball.run.status import RunStatus, StreamResult
    from tap_smokeball.session import Session

LINE_EVERY_SECONDS = 10.0
RATE_OVER_SECONDS = 30.0
"""The request rate is that of the last seconds: a run waits at times."""

FRAMES_PER_SECOND = 4
FRAME_LINES = 3
"""Lines of the display in addition to the streams, and one that stays free."""


@contextmanager
def show_progress(session: Session, logger: logging.Logger) -> Iterator[None]:
    """Show the progress of a run while the block lasts."""
    if not logger.isEnabledFor(logging.INFO):
        yield
        return
    run = session.status
    meter = _RateMeter(session)
    with _display(run, meter) if _is_interactive() else _log_lines(run, meter, logger):
        yield


def _is_interactive() -> bool:
    terminal = os.environ.get("TERM", "").lower() not in {"", "dumb", "unknown"}
    plain = not terminal or bool(os.environ.get("NO_COLOR"))
    return (
        sys.stderr.isatty()
        and not sys.stdout.isatty()
        and not plain
        and find_spec("rich") is not None
    )


class _Pace(NamedTuple):
    """How fast a run is.

    Attributes:
        requests_per_second: The rate of the last seconds.
        reason: Why that is less than the rate limit; empty if it is not, or not known.
        time_left: The time left in words; empty if it is not known.
    """

    requests_per_second: float
    reason: str
    time_left: str


class _Sample(NamedTuple):
    """The counters of a run at a time."""

    time: float
    requests: int
    responses: int
    response_seconds: float


class _RateMeter:
    """Measures the request rate and the latency, and so the time left."""

    def __init__(self, session: Session) -> None:
        self.limit = session.settings.requests_per_second
        self._in_flight = session.settings.burst
        self._run = session.status
        self._seen = deque([self._sample()])

    def measure(self) -> _Pace:
        """Return how fast the run is now."""
        self._seen.append(now := self._sample())
        while len(self._seen) > 2 and now.time - self._seen[1].time > RATE_OVER_SECONDS:  # noqa: PLR2004
            self._seen.popleft()
        first = self._seen[0]
        seconds = now.time - first.time
        rate = (now.requests - first.requests) / seconds if seconds else 0.0
        responses = now.responses - first.responses
        latency = (now.response_seconds - first.response_seconds) / responses if responses else None
        bucket = self._run.transport.rate_limit
        possible = Throughput(bucket.requests_per_second, latency, self._in_flight)
        reason = ""
        if bucket.is_slowed:
            reason = "slowed by 429"
        elif latency and possible.is_held_by_latency:
            reason = f"latency {humanize_latency(latency)}"
        current = _current(self._run)
        # The requests of a list come one by one, those of child streams do not.
        is_list = current is None or current.estimate.unit == PAGES
        expected = possible.requests_per_second if is_list or not rate else rate
        return _Pace(rate, reason, self._time_left(expected))

    def _time_left(self, rate: float) -> str:
        left = self._run.requests_left
        if left is None:
            return ""
        seconds = left / rate
        to_limit = math.inf
        if self._run.limit_seconds is not None:
            to_limit = max(0.0, self._run.limit_seconds - self._run.elapsed_seconds)
        if to_limit < seconds:
            return f"{humanize_seconds(to_limit)} left to the time limit"
        return f"{humanize_seconds(seconds)} left"

    def _sample(self) -> _Sample:
        run = self._run
        totals = run.transport.counts.response_totals(*list(run.results))
        return _Sample(time.monotonic(), run.requests, *totals)


def _current(run: RunStatus) -> StreamResult | None:
    results = list(run.results.values())
    return next((result for result in results if result.status is RUNNING), None)


@contextmanager
def _log_lines(run: RunStatus, meter: _RateMeter, logger: logging.Logger) -> Iterator[None]:
    """Log a line every ten seconds; none in a shorter run."""
    over = threading.Event()

    def log_progress() -> None:
        while not over.wait(LINE_EVERY_SECONDS):
            if (result := _current(run)) is not None:
                logger.info("%s", ", ".join(_parts(result, meter)))

    thread = threading.Thread(target=log_progress, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _parts(result: StreamResult, meter: _RateMeter) -> Iterator[str]:
    estimate = result.estimate
    yield f"{result.stream}: {_steps(result)} {estimate.unit}"
    yield f"{result.rows:,} rows"
    pace = meter.measure()
    of_limit = f" of {meter.limit:g}" if pace.reason else ""
    yield f"{pace.requests_per_second:.1f}{of_limit} requests per second"
    yield from filter(None, (pace.reason, pace.time_left))


def _steps(result: StreamResult) -> str:
    estimate = result.estimate
    return f"{estimate.done:,}" + (f" of {estimate.steps:,}" if estimate.steps is not None else "")


@contextmanager
def _display(run: RunStatus, meter: _RateMeter) -> Iterator[None]:
    """Draw a table of the streams that updates in place and disappears at the end."""
    from rich.console import Console  # noqa: PLC0415 - costs start-up, and is an extra
    from rich.live import Live  # noqa: PLC0415

    console = Console(file=sys.stderr, highlight=False, markup=False, emoji=False)
    live = Live(
        get_renderable=lambda: _render(run, meter, console),
        console=console,
        refresh_per_second=FRAMES_PER_SECOND,
        transient=True,
        redirect_stdout=False,  # Singer messages: no library may touch them
        redirect_stderr=False,
    )
    with _redirect_logs(console), live:
        console.show_cursor()  # a killed process must not leave the terminal without one
        yield


def _render(run: RunStatus, meter: _RateMeter, console: Console) -> RenderableType:
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
    for result in _visible_results(results, console.size.height - FRAME_LINES):
        share = 1.0 if result.status is StreamStatus.COMPLETE else result.estimate.fraction_done
        begun = result.status is RUNNING
        state = result.description
        if begun:
            state = f"{_steps(result)} {result.estimate.unit}"
        elif result.status in {StreamStatus.PENDING, StreamStatus.TIME_LIMIT}:
            state = "pending"
        table.add_row(
            Text(result.stream, style="bold" if begun else ""),
            ProgressBar(total=1.0, completed=share, width=20),
            f"{result.rows:,} rows",
            Text(state, style="red" if result.is_failed else ""),
        )
    done = sum(result.status is StreamStatus.COMPLETE for result in results)
    pace = meter.measure()
    requests_left = run.requests_left
    parts = [f"{done} of {len(results)} streams"]
    if requests_left is not None:
        share = run.requests / (run.requests + requests_left or 1)
        parts.append(f"{share:.0%} done")
    parts.append(f"{pace.requests_per_second:.1f} of {meter.limit:g} requests per second")
    parts += filter(None, (pace.reason, pace.time_left))
    return Group(table, Text(", ".join(parts), style="bold", no_wrap=True))


def _visible_results(results: list[StreamResult], room: int) -> list[StreamResult]:
    """Return as many streams as fit: running and pending ones before complete ones."""
    surplus = len(results) - max(1, room)
    if surplus <= 0:
        return results
    running = next((at for at, r in enumerate(results) if r.status is RUNNING), 0)
    first = min(running, surplus)
    return results[first : first + max(1, room)]


@contextmanager
def _redirect_logs(console: Console) -> Iterator[None]:
    """Let log lines and warnings pass above the display."""
    stderr = sys.stderr
    above = _LogAboveDisplay(console)
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


class _LogAboveDisplay(io.TextIOBase):
    """Standard error during the display: whole lines, above it."""

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
