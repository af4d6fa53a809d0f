"""One run of the tap: when it must stop, how far it is, and how each stream ended."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from tap_smokeball.run.request_estimate import RequestEstimate

if TYPE_CHECKING:
    import logging

    from tap_smokeball.api.transport import Transport


class Stopped(Exception):  # noqa: N818 - a signal, not an error
    """The run is told to stop, and the work at hand is given up."""


class StreamStatus(Enum):
    """How a stream ended: the name for machines, the value for people."""

    NOT_REACHED = "not reached"
    BEGUN = "begun, not ended"
    COMPLETE = "complete"
    TIME_LIMIT = "time is up, goes on next time"
    STOPPED = "stopped, goes on next time"
    FAILED = "failed"


_STILL_TO_DO = (StreamStatus.NOT_REACHED, StreamStatus.BEGUN, StreamStatus.TIME_LIMIT)


@dataclass
class StreamResult:
    """How one stream fared.

    Attributes:
        stream: Its name.
        rows: Rows read, if the stream is selected.
        seconds: How long it took.
        outcome: How it ended.
        problem: Why it failed, in a few words.
        resumed: Whether an unfinished pass was gone on with.
        forecast: What it takes, and how far it is.
    """

    stream: str
    rows: int = 0
    seconds: float = 0.0
    outcome: StreamStatus = StreamStatus.NOT_REACHED
    problem: str = ""
    resumed: bool = False
    forecast: RequestEstimate = field(default_factory=RequestEstimate)

    def fail(self, problem: str) -> None:
        """Take note that it failed, and why."""
        self.outcome, self.problem = StreamStatus.FAILED, problem

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.outcome is StreamStatus.FAILED

    @property
    def ended(self) -> str:
        """How it ended, for people."""
        return f"{self.outcome.value}: {self.problem}" if self.problem else self.outcome.value


@dataclass
class RunStatus:
    """The state of one run, shared by all streams.

    Attributes:
        http: Counts the requests.
        logger: Takes progress and the final table.
        limit_seconds: Age at which the run stops cleanly, or None.
    """

    http: Transport
    logger: logging.Logger
    limit_seconds: float | None
    results: dict[str, StreamResult] = field(default_factory=dict)
    signal: int = 0
    """Number of the signal that told the run to stop, 0 if none did."""
    repaged: Counter[str] = field(default_factory=Counter)
    """Seams between pages that had to be looked for further back, by stream."""
    _began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stop(self, signal: int) -> None:
        """Ask the run to stop as soon as the state allows."""
        self.signal = signal

    def check(self) -> None:
        """Give up the work at hand if the run is told to stop.

        Raises:
            Stopped: It is.
        """
        if self.signal:
            raise Stopped

    @property
    def is_over(self) -> bool:
        """Whether no further work may begin: told to stop, or out of time."""
        return bool(self.signal) or (
            self.limit_seconds is not None and self.age >= self.limit_seconds
        )

    @property
    def age(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def result(self, stream: str) -> StreamResult:
        """Return the result of a stream, to be filled in as it runs."""
        return self.results.setdefault(stream, StreamResult(stream))

    def count_repaged(self, stream: str) -> None:
        """Count a seam that was not where it had to be; called in any thread."""
        with self._lock:
            self.repaged[stream] += 1

    @property
    def failures(self) -> list[StreamResult]:
        """The streams that failed."""
        return [result for result in self.results.values() if result.failed]

    @property
    def exit_status(self) -> int:
        """The exit status that the streams and the signal call for."""
        return 128 + self.signal if self.signal else int(bool(self.failures))

    @property
    def requests(self) -> int:
        """Requests sent so far, those to the login left out."""
        return sum(self.http.requests[stream] for stream in list(self.results))

    @property
    def requests_left(self) -> float | None:
        """How many requests are still to be made, or None if that is not known yet."""
        left = 0.0
        for result in list(self.results.values()):
            if result.outcome in _STILL_TO_DO:
                expected = result.forecast.requests
                if expected is None:
                    return None
                left += max(0.0, expected - self.http.requests[result.stream])
        return left
