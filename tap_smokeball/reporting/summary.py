"""What happened in a run: a table for people, and one line of JSON for machines.

The line is a metric as the SDK writes them, ``METRIC: {"type": …, "metric": …, "value": …}`` or its
structured form. Its fields are described in docs/operations.md and stay as they are: others read
them.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from singer_sdk import metrics

from tap_smokeball import dotnet_ticks
from tap_smokeball.config import settings
from tap_smokeball.reporting.text_table import aligned
from tap_smokeball.run.status import StreamStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.run.status import RunStatus, StreamResult
    from tap_smokeball.sync.base_stream import SmokeballStream
    from tap_smokeball.tap import TapSmokeball


class Metric(str, Enum):
    """The metrics that are not the SDK's."""

    RUN_SUMMARY = "run_summary"


@contextmanager
def told(tap: TapSmokeball) -> Iterator[None]:
    """Tell at the end of a run how it went, whatever ended it."""
    began, status = dotnet_ticks.now(), 1
    try:
        yield
        status = tap.run.exit_status
    finally:
        tap.logger.info("How it went:\n%s", table(tap.run))
        point = metrics.Point(
            "summary",
            cast("metrics.Metric", Metric.RUN_SUMMARY),  # an enumeration cannot be extended
            report(tap, began, status),
            {
                metrics.Tag.STATUS: metrics.Status.FAILED if status else metrics.Status.SUCCEEDED,
                metrics.Tag.PID: os.getpid(),
            },
        )
        metrics.log(tap.metrics_logger, point)


def table(run: RunStatus) -> str:
    """Return what happened, as a table to be read by people."""
    lines = [("stream", "rows", "requests", "seconds", "how it ended")]
    lines += [
        (
            result.stream,
            f"{result.rows:,}",
            f"{run.http.requests[result.stream]:,}",
            f"{result.seconds:.1f}",
            result.ended,
        )
        for result in run.results.values()
    ]
    return aligned(lines)


def report(tap: TapSmokeball, began: int, status: int) -> dict[str, Any]:
    """Return what happened, to be read by machines.

    Args:
        tap: The tap that ran.
        began: When it began, in ticks.
        status: Its exit status.
    """
    run = tap.run
    streams = {name: _of_stream(tap, result) for name, result in run.results.items()}
    totals = {
        name: sum(stream[name] for stream in streams.values())
        for name in ("rows", "requests", "retries", "repaged_seams")
    }
    return {
        "version": settings.version(),
        "exit_status": status,
        "complete": all(r.outcome is StreamStatus.COMPLETE for r in run.results.values()),
        "stopped_by": _stopped_by(run),
        "signal": run.signal or None,
        "max_run_seconds": run.limit_seconds,
        "began": dotnet_ticks.to_rfc3339(began),
        "duration_seconds": round(run.age, 3),
        **totals,
        "logins": run.http.requests["login"],
        "streams": streams,
    }


def _of_stream(tap: TapSmokeball, result: StreamResult) -> dict[str, Any]:
    run, stream = tap.run, cast("SmokeballStream", tap.streams[result.stream])
    watermark = stream.state_manager.last_pass(tap.settings.visible)
    return {
        "rows": result.rows,
        "requests": run.http.requests[result.stream],
        "retries": run.http.retries[result.stream],
        "repaged_seams": run.repaged[result.stream],
        "resumed": result.resumed,
        "duration_seconds": round(result.seconds, 3),
        "watermark": dotnet_ticks.to_rfc3339(watermark) if watermark else None,
        "ended": result.outcome.name.lower(),
        "error": result.problem or None,
    }


def _stopped_by(run: RunStatus) -> str | None:
    if run.signal:
        return "signal"
    cut = (StreamStatus.TIME_LIMIT, StreamStatus.NOT_REACHED)
    if run.limit_seconds is not None and any(r.outcome in cut for r in run.results.values()):
        return "time_limit"
    return None
