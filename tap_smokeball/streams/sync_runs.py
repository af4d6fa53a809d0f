"""The stream of the tap's own runs."""

from __future__ import annotations

from tap_smokeball.records.columns import date_time, integer, string
from tap_smokeball.sync.run_log_stream import RunLogStream


class SyncRunsStream(RunLogStream):
    """Runs of the tap: one row for each selected stream and run, with its status."""

    name = "sync_runs"
    primary_keys = ("runId", "stream")
    replication_key = "runStartedAt"
    columns = (
        string("runId", "ID of the run; also in its JSON summary"),
        string("stream", "Name of the stream"),
        date_time("runStartedAt", "Start of the run"),
        date_time("startedAt", "Start of the stream in the run; null if it was not started"),
        date_time("endedAt", "End of the stream in the run; null if it was not started"),
        string(
            "status",
            "Status: complete, not_due, failed, time_limit, stopped, interrupted or pending",
        ),
        string("error", "Class of the error; null if the stream did not fail"),
        integer("rowsRead", "Rows read, before stream maps"),
        integer("requests", "Requests sent, including retries"),
        integer("unreadParents", "Parents that could not be read, and are retried by the next run"),
        date_time("bookmark", "Bookmark at the end of the run; null before the first full pass"),
        date_time(
            "loadedUntil", "All earlier changes are loaded; null if the stream is not complete"
        ),
    )


STREAMS = (SyncRunsStream,)
