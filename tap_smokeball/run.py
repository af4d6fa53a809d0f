"""One run of the tap: when it must stop, how far it is, and how each stream ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable

    from tap_smokeball.http import Http

PROGRESS_SECONDS = 10


class Stopped(Exception):  # noqa: N818 - a signal, not an error
    """The run is told to stop, and the work at hand is given up."""


@dataclass
class Result:
    """How one stream fared."""

    stream: str
    rows: int = 0
    seconds: float = 0.0
    ended: str = "not reached"
    failed: bool = False


@dataclass
class Run:
    """The state of one run, shared by all streams.

    Attributes:
        http: Counts the requests.
        logger: Takes progress and the final table.
        limit_seconds: Age at which the run stops cleanly, or None.
    """

    http: Http
    logger: logging.Logger
    limit_seconds: float | None
    results: dict[str, Result] = field(default_factory=dict)
    signal: int = 0
    """Number of the signal that told the run to stop, 0 if none did."""
    _began: float = field(default_factory=time.monotonic)

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
            self.limit_seconds is not None and time.monotonic() - self._began >= self.limit_seconds
        )

    def result(self, stream: str) -> Result:
        """Return the result of a stream, to be filled in as it runs."""
        return self.results.setdefault(stream, Result(stream))

    @property
    def failures(self) -> list[Result]:
        """The streams that failed."""
        return [result for result in self.results.values() if result.failed]

    def table(self) -> str:
        """Return what happened, as a table to be read by people."""
        lines = [("stream", "rows", "requests", "seconds", "how it ended")]
        lines += [
            (
                result.stream,
                f"{result.rows:,}",
                f"{self.http.requests[result.stream]:,}",
                f"{result.seconds:.1f}",
                result.ended,
            )
            for result in self.results.values()
        ]
        return _columns(lines)


class Progress:
    """Says how far a fan-out is, about every ten seconds and never more often.

    Args:
        run: The run that it is part of.
        stream: The stream that is read.
        total: How many parents there are to read.
        noun: What they are.
    """

    def __init__(self, run: Run, stream: str, total: int, noun: str) -> None:
        self.done = 0
        """Parents done so far."""
        self._run = run
        self._stream = stream
        self._total = total
        self._noun = noun
        self._began = self._said = time.monotonic()
        self._requests = sum(run.http.requests.values())

    def advance(self) -> None:
        """Count one parent as done, and report if it is time to."""
        self.done += 1
        now = time.monotonic()
        if now - self._said < PROGRESS_SECONDS:
            return
        import pendulum  # noqa: PLC0415 - 0.1 s of start-up, for a line after ten seconds

        self._said = now
        elapsed = now - self._began
        rate = (sum(self._run.http.requests.values()) - self._requests) / elapsed
        left = pendulum.duration(seconds=int((self._total - self.done) * elapsed / self.done))
        self._run.logger.info(
            "%s: %s of %s %s, %s rows, %.1f requests/s, %s left",
            self._stream,
            f"{self.done:,}",
            f"{self._total:,}",
            self._noun,
            f"{self._run.result(self._stream).rows:,}",
            rate,
            left.in_words(),
        )


def _columns(lines: Iterable[tuple[str, ...]]) -> str:
    lines = list(lines)
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 0 < at < len(widths) - 1 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
