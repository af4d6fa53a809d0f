"""The run summary: a table for people, and one line of JSON for machines.

The line is a metric as the SDK writes them, ``METRIC: {"type": …, "metric": …, "value": …}`` or its
structured form. docs/operations.md describes its fields. They are part of the interface.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from singer_sdk import metrics

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.client import TOKEN_REQUESTS
from tap_smokeball.config.settings import version
from tap_smokeball.reporting.text_table import format_table
from tap_smokeball.run.status import StreamStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Tap

    from tap_smokeball.run.status import RunStatus, StreamResult
    from tap_smokeball.session import Session
    from tap_smokeball.sync.base_stream import SmokeballStream


_COMPLETE = (StreamStatus.COMPLETE, StreamStatus.NOT_DUE)


class Metric(str, Enum):
    """The metrics that are not the SDK's."""

    RUN_SUMMARY = "run_summary"


@contextmanager
def log_summary(tap: Tap, session: Session) -> Iterator[None]:
    """Log the summary at the end of a run, whatever ended it."""
    exit_status = 1
    try:
        yield
        exit_status = session.status.exit_status
    finally:
        tap.logger.info("Run summary:\n%s", summary_table(session.status))
        status = metrics.Status.FAILED if exit_status else metrics.Status.SUCCEEDED
        point = metrics.Point(
            "summary",
            cast("metrics.Metric", Metric.RUN_SUMMARY),  # an enumeration cannot be extended
            _run_summary(tap, session.status, exit_status),
            {metrics.Tag.STATUS: status, metrics.Tag.PID: os.getpid()},
        )
        metrics.log(tap.metrics_logger, point)


def summary_table(run: RunStatus) -> str:
    """Return the results of a run as a table for people."""
    rows = [("stream", "rows", "requests", "seconds", "status")]
    rows += [
        (
            result.stream,
            f"{result.rows:,}",
            f"{run.transport.requests[result.stream]:,}",
            f"{result.seconds:.1f}",
            result.description,
        )
        for result in run.results.values()
    ]
    unread = [
        f"{result.stream}: {result.unread_parents:,} parents could not be read, and are retried by "
        "each run"
        for result in run.results.values()
        if result.unread_parents
    ]
    named = [
        f"{result.stream}: events name {result.dropped_parents:,} parents that do not exist or are "
        "restricted; they are dropped"
        for result in run.results.values()
        if result.dropped_parents
    ]
    dropped = [
        f"{result.stream}: {sum(result.dropped_fields.values()):,} values of unknown fields left "
        f"out: {', '.join(sorted(result.dropped_fields))}"
        for result in run.results.values()
        if result.dropped_fields
    ]
    values = [line for result in run.results.values() for line in _value_lines(result)]
    return "\n".join([format_table(rows), *unread, *named, *dropped, *values])


def _value_lines(result: StreamResult) -> Iterator[str]:
    """Yield a line for each kind of unexpected values; it names columns, never values."""
    for counts, text in (
        (result.converted_values, "values were converted to the types of their columns"),
        (result.rejected_values, "values do not fit their columns, which are null there"),
    ):
        if counts:
            yield f"{result.stream}: {counts.total():,} {text}: {', '.join(sorted(counts))}"


def _run_summary(tap: Tap, run: RunStatus, exit_status: int) -> dict[str, Any]:
    streams = {
        name: _stream_summary(cast("SmokeballStream", tap.streams[name]), run, result)
        for name, result in run.results.items()
    }
    totals = {
        name: sum(stream[name] for stream in streams.values())
        for name in ("rows", "requests", "retries", "pagination_rewinds")
    }
    return {
        "version": version(),
        "run_id": run.run_id,
        "exit_status": exit_status,
        "complete": all(r.status in _COMPLETE for r in run.results.values()),
        "stopped_by": _stopped_by(run),
        "signal": run.signal or None,
        "max_run_seconds": run.limit_seconds,
        "started_at": dotnet_ticks.to_rfc3339(run.started_at),
        "duration_seconds": round(run.elapsed_seconds, 3),
        **totals,
        "token_requests": run.transport.requests[TOKEN_REQUESTS],
        "streams": streams,
    }


def _stream_summary(
    stream: SmokeballStream, run: RunStatus, result: StreamResult
) -> dict[str, Any]:
    bookmark = stream.state_manager.last_completed
    return {
        "rows": result.rows,
        "requests": run.transport.requests[result.stream],
        "retries": run.transport.retries[result.stream],
        "pagination_rewinds": run.rewinds[result.stream],
        "unread_parents": result.unread_parents,
        "named_parents": result.named_parents,
        "dropped_parents": result.dropped_parents,
        "dropped_fields": result.dropped_fields,
        "converted_values": dict(result.converted_values),
        "rejected_values": dict(result.rejected_values),
        "resumed": result.is_resumed,
        "duration_seconds": round(result.seconds, 3),
        "bookmark": dotnet_ticks.to_rfc3339(bookmark) if bookmark else None,
        "mode": result.mode,
        "reason": result.reason or None,
        "status": result.status.name.lower(),
        "error": type(result.error).__name__ if result.error else None,
    }


def _stopped_by(run: RunStatus) -> str | None:
    if run.signal:
        return "signal"
    unfinished = (StreamStatus.TIME_LIMIT, StreamStatus.PENDING)
    if run.limit_seconds is not None and any(r.status in unfinished for r in run.results.values()):
        return "time_limit"
    return None
