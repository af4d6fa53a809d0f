"""The status of one run: when it must stop, its progress, and how each stream ended."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.transport import FINISH_SECONDS
from tap_smokeball.errors import TimeLimitError
from tap_smokeball.run.request_estimate import RequestEstimate

if TYPE_CHECKING:
    from tap_smokeball.api.transport import Transport
    from tap_smokeball.errors import SmokeballError

OVERDUE_SECONDS = FINISH_SECONDS + 2.0
"""How long after the time limit a thread is abandoned that does not return from the network."""


class RunInterruptedError(Exception):
    """A signal stops the run, and the work at hand is abandoned.

    Args:
        signal: Number of the signal.
    """

    def __init__(self, signal: int = 0) -> None:
        super().__init__(f"stopped by signal {signal}")
        self.signal = signal


class StreamStatus(Enum):
    """The status of a stream: the name for machines, the value for people."""

    PENDING = "not started"
    INTERRUPTED = "interrupted"  # also the status while it runs, which an interruption leaves
    COMPLETE = "complete"
    NOT_DUE = "nothing to read"
    TIME_LIMIT = "time limit reached; will resume"
    STOPPED = "stopped; will resume"
    FAILED = "failed"


RUNNING = StreamStatus.INTERRUPTED
_UNFINISHED = (StreamStatus.PENDING, RUNNING, StreamStatus.TIME_LIMIT)


@dataclass
class StreamResult:
    """The result of one stream.

    Attributes:
        stream: Its name.
        rows: Rows read, if the stream is selected.
        seconds: How long it took.
        started_at: When it was started, in ticks; None if it was not.
        ended_at: When it ended, in ticks.
        status: Its status.
        error: Why it failed.
        unread_parents: Parents that could not be read, and are retried by the next run.
        kept_fields: Values of unknown fields that ``extraFields`` holds, by field.
        dropped_fields: Values of unknown fields that were left out, by field.
        is_resumed: Whether it resumed the full pass of an earlier run.
        converted_values: Number of values of another type than their column's, by path in the row.
        rejected_values: Number of values that do not fit their column, by path in the row.
        estimate: How many requests it takes, and how many are done.
        mode: How much of it the run was to read, if a schedule decided that.
        reason: Why.
        named_parents: Parents that events named and that were read.
        dropped_parents: Parents that events named and that do not exist or are restricted.
    """

    stream: str
    rows: int = 0
    seconds: float = 0.0
    started_at: int | None = None
    ended_at: int | None = None
    status: StreamStatus = StreamStatus.PENDING
    error: SmokeballError | None = None
    unread_parents: int = 0
    kept_fields: dict[str, int] = field(default_factory=dict)
    dropped_fields: dict[str, int] = field(default_factory=dict)
    is_resumed: bool = False
    converted_values: Counter[str] = field(default_factory=Counter)
    rejected_values: Counter[str] = field(default_factory=Counter)
    estimate: RequestEstimate = field(default_factory=RequestEstimate)
    mode: str = "full"
    reason: str = ""
    named_parents: int = 0
    dropped_parents: int = 0

    @property
    def is_unfinished(self) -> bool:
        """Whether the run ended before it had read the stream."""
        return self.status in _UNFINISHED

    def fail(self, error: SmokeballError) -> None:
        """Record that the stream failed, and why."""
        self.status, self.error = StreamStatus.FAILED, error

    @property
    def is_failed(self) -> bool:
        """Whether the stream failed."""
        return self.status is StreamStatus.FAILED

    @property
    def description(self) -> str:
        """The status and the error, for people."""
        return f"{self.status.value}: {self.error.summary}" if self.error else self.status.value


@dataclass
class RunStatus:
    """The status of one run, shared by all streams.

    Attributes:
        transport: Counts the requests.
        limit_seconds: Age at which the run stops cleanly, or None.
        results: The results, by stream, in the order of the run.
        signal: Number of the signal that stops the run, or 0.
        rewinds: How often pagination had to rewind because rows shifted, by stream.
        is_supervised: Whether a runner keeps the failures of streams apart and starts the child
            streams. Otherwise the SDK drives: errors are raised, parents start their children.
        run_id: Tells this run from all others.
        started_at: When the run started, in ticks.
    """

    transport: Transport
    limit_seconds: float | None
    results: dict[str, StreamResult] = field(default_factory=dict)
    signal: int = 0
    rewinds: Counter[str] = field(default_factory=Counter)
    is_supervised: bool = False
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started_at: int = field(default_factory=dotnet_ticks.now)
    _started: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def limit_requests(self) -> None:
        """Let no request and no wait outlast the run."""
        if self.limit_seconds is not None:
            self.transport.run_ends_at = self._started + self.limit_seconds

    def stop(self, signal: int) -> None:
        """Let the run stop as soon as the state allows."""
        self.signal = signal

    def raise_if_stopped(self) -> None:
        """Abandon the work at hand if a signal stops the run.

        Raises:
            RunInterruptedError: A signal came.
        """
        if self.signal:
            raise RunInterruptedError(self.signal)

    def raise_if_overdue(self) -> None:
        """Abandon a wait for a thread that does not return from the network.

        Raises:
            TimeLimitError: The run has ended, and its requests had time to finish.
        """
        if time.monotonic() > self.transport.run_ends_at + OVERDUE_SECONDS:
            raise TimeLimitError

    @property
    def should_stop(self) -> bool:
        """Whether no further work may start: a signal came, or the time limit is reached."""
        return bool(self.signal) or (
            self.limit_seconds is not None and self.elapsed_seconds >= self.limit_seconds
        )

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the run started."""
        return time.monotonic() - self._started

    def result(self, stream: str) -> StreamResult:
        """Return the result of a stream, to be completed while it runs."""
        return self.results.get(stream) or self.results.setdefault(stream, StreamResult(stream))

    def count_rewind(self, stream: str) -> None:
        """Count a rewind of the pagination; called in any thread."""
        with self._lock:
            self.rewinds[stream] += 1

    @property
    def failures(self) -> list[StreamResult]:
        """The streams that failed."""
        return [result for result in self.results.values() if result.is_failed]

    @property
    def exit_status(self) -> int:
        """The exit status that the streams and the signal call for."""
        return 128 + self.signal if self.signal else int(bool(self.failures))

    @property
    def requests(self) -> int:
        """Requests sent so far, except those for access tokens."""
        return sum(self.transport.requests[stream] for stream in list(self.results))

    @property
    def requests_left(self) -> float | None:
        """Requests that are still to be made, or None if that is not known yet."""
        left = 0.0
        for result in list(self.results.values()):
            if result.is_unfinished:
                expected = result.estimate.requests
                if expected is None:
                    return None
                left += max(0.0, expected - self.transport.requests[result.stream])
        return left
