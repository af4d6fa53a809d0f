"""The run summary: a table for people, and one line of JSON for machines.

The line is a metric as the SDK writes them, ``METRIC: {"type": …, "metric": …, "value": …}`` or its
structured form. docs/operations.md describes its fields. They are part of the interface.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec
from singer_sdk import metrics

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.client import TOKEN_REQUESTS
from tap_smokeball.api.token_expiry import expires_at
from tap_smokeball.config.settings import version
from tap_smokeball.errors import SmokeballError
from tap_smokeball.reporting.report_types import RunSummary, StreamSummary, to_json
from tap_smokeball.reporting.state_digest import state_digest
from tap_smokeball.reporting.text_table import format_table
from tap_smokeball.run.failure import find_failure
from tap_smokeball.run.request_estimate import humanize_seconds
from tap_smokeball.run.status import StreamStatus
from tap_smokeball.run.throughput import humanize_latency
from tap_smokeball.sync.child_stream import ChildStream

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
def log_summary(tap: Tap, session: Session, *, is_json: bool) -> Iterator[None]:
    """Log the summary at the end of a run, whatever ended it.

    Args:
        tap: The tap.
        session: What the streams share.
        is_json: Whether standard error gets one line of JSON instead of the table.
    """
    exit_status = 1
    own_error: list[tuple[None, SmokeballError]] = []
    try:
        yield
        exit_status = session.status.exit_status
    except SmokeballError as error:
        own_error.append((None, error))
        raise
    finally:
        run_summary = _run_summary(tap, session, exit_status)
        failed = [(each.stream, each.error) for each in session.status.failures if each.error]
        run_summary.failure = find_failure([*failed, *own_error])
        if is_json:
            sys.stderr.write(f"{to_json(run_summary)}\n")
        else:
            tap.logger.info("Run summary:\n%s", summary_table(session.status, run_summary))
        status = metrics.Status.FAILED if exit_status else metrics.Status.SUCCEEDED
        point = metrics.Point(
            "summary",
            cast("metrics.Metric", Metric.RUN_SUMMARY),  # an enumeration cannot be extended
            msgspec.to_builtins(run_summary),
            {metrics.Tag.STATUS: status, metrics.Tag.PID: os.getpid()},
        )
        metrics.log(tap.metrics_logger, point)


def summary_table(run: RunStatus, summary: RunSummary) -> str:
    """Return the results of a run as a table for people, and what is unusual."""
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
    return "\n".join(
        [format_table(rows), *unread, *named, *dropped, *values, *_traffic_lines(summary)]
    )


def _traffic_lines(summary: RunSummary) -> Iterator[str]:
    """Yield the achieved rate, and the retries by cause."""
    if not summary.requests:
        return
    duration, rate = humanize_seconds(summary.duration_seconds), summary.requests_per_second
    parts = [
        f"{summary.requests:,} requests in {duration}: {rate:.1f} per second",
        f"rate limit {summary.requests_per_second_limit:g}",
    ]
    if summary.latency_seconds is not None:
        parts.append(f"latency {humanize_latency(summary.latency_seconds)}")
    yield ", ".join(parts)
    if causes := summary.retries_by_cause:
        yield "Retries: " + ", ".join(f"{count:,} after {cause}" for cause, count in causes.items())


def _value_lines(result: StreamResult) -> Iterator[str]:
    """Yield a line for each kind of unexpected values; it names columns, never values."""
    for counts, text in (
        (result.converted_values, "values were converted to the types of their columns"),
        (result.rejected_values, "values do not fit their columns, which are null there"),
    ):
        if counts:
            yield f"{result.stream}: {counts.total():,} {text}: {', '.join(sorted(counts))}"


def _run_summary(tap: Tap, session: Session, exit_status: int) -> RunSummary:
    run, counts = session.status, session.client.transport.counts
    streams = {
        name: _stream_summary(cast("SmokeballStream", tap.streams[name]), run, result)
        for name, result in run.results.items()
    }
    requests = sum(stream.requests for stream in streams.values())
    seconds, latency = run.elapsed_seconds, counts.latency_seconds(*streams)
    issued = session.client.refresh_token_issued_ticks
    return RunSummary(
        version=version(),
        run_id=run.run_id,
        exit_status=exit_status,
        complete=all(r.status in _COMPLETE for r in run.results.values()),
        stopped_by=_stopped_by(run),
        signal=run.signal or None,
        max_run_seconds=run.limit_seconds,
        started_at=dotnet_ticks.to_rfc3339(run.started_at),
        duration_seconds=round(seconds, 3),
        rows=sum(stream.rows for stream in streams.values()),
        requests=requests,
        retries=sum(stream.retries for stream in streams.values()),
        retries_by_cause=counts.retries_by_cause(TOKEN_REQUESTS, *streams),
        requests_per_second=round(requests / seconds, 3) if seconds else 0.0,
        requests_per_second_limit=session.settings.requests_per_second,
        latency_seconds=None if latency is None else round(latency, 3),
        pagination_rewinds=sum(stream.pagination_rewinds for stream in streams.values()),
        token_requests=counts.requests[TOKEN_REQUESTS],
        refresh_token_expires_at=(
            None if issued is None else dotnet_ticks.to_rfc3339(expires_at(issued))
        ),
        streams=streams,
    )


def _stream_summary(stream: SmokeballStream, run: RunStatus, result: StreamResult) -> StreamSummary:
    bookmark = stream.state_manager.last_completed
    closed = stream.closed_bookmarks if isinstance(stream, ChildStream) else None
    counts = run.transport.counts
    return StreamSummary(
        rows=result.rows,
        requests=counts.requests[result.stream],
        retries=counts.retries[result.stream],
        retries_by_cause=counts.retries_by_cause(result.stream),
        pagination_rewinds=run.rewinds[result.stream],
        unread_parents=result.unread_parents,
        named_parents=result.named_parents,
        dropped_parents=result.dropped_parents,
        kept_fields=result.kept_fields,
        dropped_fields=result.dropped_fields,
        converted_values=dict(result.converted_values),
        rejected_values=dict(result.rejected_values),
        resumed=result.is_resumed,
        duration_seconds=round(result.seconds, 3),
        bookmark=_time(bookmark),
        closed_matters_bookmark=_time(closed.last_completed) if closed else None,
        mode=result.mode,
        reason=result.reason or None,
        status=cast("Any", result.status.name.lower()),
        error=type(result.error).__name__ if result.error else None,
        state_digest=state_digest(stream.state_manager.stream_state),
    )


def _time(ticks: int) -> str | None:
    return dotnet_ticks.to_rfc3339(ticks) if ticks else None


def _stopped_by(run: RunStatus) -> Literal["signal", "time_limit"] | None:
    if run.signal:
        return "signal"
    unfinished = (StreamStatus.TIME_LIMIT, StreamStatus.PENDING)
    if run.limit_seconds is not None and any(r.status in unfinished for r in run.results.values()):
        return "time_limit"
    return None
