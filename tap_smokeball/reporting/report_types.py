"""The reports as JSON: the plan, the connection test and the run summary.

The types are the interface. ``docs/schemas/`` has their JSON Schemas and ``docs/operations.md``
their fields; both are generated from here. New fields may be added; names and meanings stay.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from tap_smokeball.run.failure import Failure  # noqa: TC001 - msgspec reads the types


def _field(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description)


LimitedBy = Literal["rate_limit", "latency"]
Access = Literal["ok", "no", "skipped"]


class StreamSummary(msgspec.Struct, kw_only=True):
    """The result of one stream."""

    rows: Annotated[int, _field("rows read, before stream maps")]
    requests: Annotated[int, _field("requests sent, including retries")]
    retries: Annotated[int, _field("repeated requests")]
    retries_by_cause: Annotated[
        dict[str, int],
        _field(
            "repeated requests, by the status in the table of API errors, as `429` or `timeout`"
        ),
    ]
    pagination_rewinds: Annotated[
        int,
        _field(
            "rewinds: the list changed while it was read, and the tap stepped back to find its "
            "place"
        ),
    ]
    unread_parents: Annotated[
        int, _field("parents that could not be read, and are retried by the next run")
    ]
    named_parents: Annotated[int, _field("parents that webhook events named and that were read")]
    dropped_parents: Annotated[
        int, _field("parents that webhook events named and that do not exist or are restricted")
    ]
    kept_fields: Annotated[
        dict[str, int],
        _field("number of values of unknown fields that `extraFields` holds, by field"),
    ]
    dropped_fields: Annotated[
        dict[str, int], _field("number of values of unknown fields that were left out, by field")
    ]
    converted_values: Annotated[
        dict[str, int],
        _field(
            "values of another type than their column that were converted without loss: how many, "
            "by column"
        ),
    ]
    rejected_values: Annotated[
        dict[str, int], _field("values that do not fit their column: how many, by column")
    ]
    resumed: Annotated[
        bool, _field("whether the stream resumed an unfinished full pass of an earlier run")
    ]
    duration_seconds: Annotated[float, _field("duration")]
    bookmark: Annotated[
        str | None,
        _field(
            "all changes before this time were delivered, as RFC 3339 in UTC by Smokeball's clock "
            "or this machine's, whichever is earlier; null if no full pass was ever complete"
        ),
    ]
    closed_matters_bookmark: Annotated[
        str | None,
        _field(
            "the same for closed matters, if they have a full pass of their own; `bookmark` is "
            "then that of live matters"
        ),
    ]
    mode: Annotated[
        str,
        _field(
            "how much of the stream the run was to read: `full`, `changes` (rows that changed, or "
            "parents that changed or that events name) or `nothing`"
        ),
    ]
    reason: Annotated[str | None, _field("why; null if each run reads everything")]
    status: Annotated[
        Literal["pending", "interrupted", "complete", "not_due", "time_limit", "stopped", "failed"],
        _field("status of the stream"),
    ]
    error: Annotated[str | None, _field("class of the error; null if the stream did not fail")]
    state_digest: Annotated[
        dict[str, str],
        _field("hashes of the values in the state, to check that it was saved, by path"),
    ]


class RunSummary(msgspec.Struct, kw_only=True):
    """The result of a run: the value of the metric `run_summary`, and `--format json`."""

    version: Annotated[str, _field("version of the tap")]
    run_id: Annotated[str, _field("id of the run, as in the stream `sync_runs`")]
    exit_status: Annotated[int, _field("exit status of the process")]
    complete: Annotated[
        bool,
        _field(
            "whether all streams are complete or had nothing to read; false with exit status 0 if "
            "the time limit ended the run"
        ),
    ]
    stopped_by: Annotated[
        Literal["signal", "time_limit"] | None, _field("`signal`, `time_limit` or null")
    ]
    signal: Annotated[int | None, _field("number of the signal, or null")]
    max_run_seconds: Annotated[float | None, _field("time limit, or null")]
    started_at: Annotated[str, _field("start of the run by this machine's clock in UTC, RFC 3339")]
    duration_seconds: Annotated[float, _field("duration of the run")]
    rows: Annotated[int, _field("total of the streams")]
    requests: Annotated[int, _field("total of the streams")]
    retries: Annotated[int, _field("total of the streams")]
    retries_by_cause: Annotated[
        dict[str, int], _field("totals of the streams and of the requests for an access token")
    ]
    requests_per_second: Annotated[
        float, _field("achieved rate: `requests` divided by `duration_seconds`")
    ]
    requests_per_second_limit: Annotated[float, _field("the setting `requests_per_second`")]
    latency_seconds: Annotated[
        float | None, _field("mean duration of a request; null without a response")
    ]
    pagination_rewinds: Annotated[int, _field("total of the streams")]
    token_requests: Annotated[int, _field("requests for an access token")]
    refresh_token_expires_at: Annotated[
        str | None,
        _field(
            "when the refresh token expires, RFC 3339; null if there is none, or "
            "`refresh_token_issued_at` is not known"
        ),
    ]
    streams: Annotated[dict[str, StreamSummary], _field("the fields of each stream, by its name")]
    failure: Annotated[
        Failure | None,
        _field("why the run failed: the first error; null if it succeeded or a signal stopped it"),
    ] = None


class StreamPlan(msgspec.Struct, kw_only=True):
    """The estimate for one stream."""

    stream: Annotated[str, _field("name of the stream")]
    rows: Annotated[int | None, _field("rows, or null if a sample cannot tell")]
    requests: Annotated[int | None, _field("requests, or null if the estimate failed")]
    seconds: Annotated[float | None, _field("duration, or null if the estimate failed")]
    basis: Annotated[str, _field("what the estimate is based on, or why it failed")]
    error: Annotated[str | None, _field("class of the error, or null")]


class Plan(msgspec.Struct, kw_only=True):
    """The estimate of a run: `--plan --format json`."""

    version: Annotated[str, _field("version of the tap")]
    requests: Annotated[int, _field("requests of the run")]
    seconds: Annotated[float, _field("duration of the run")]
    requests_per_second: Annotated[float, _field("expected rate")]
    requests_per_second_limit: Annotated[float, _field("the setting `requests_per_second`")]
    latency_seconds: Annotated[
        float | None, _field("mean duration of a request of the plan; null without a response")
    ]
    limited_by: Annotated[
        LimitedBy, _field("what determines the duration: `rate_limit` or `latency`")
    ]
    max_in_flight: Annotated[int, _field("the setting `burst`: most requests in flight")]
    max_run_seconds: Annotated[float | None, _field("time limit, or null")]
    runs: Annotated[
        int | None,
        _field("runs that it takes with the time limit; null if no number of them suffices"),
    ]
    schedule: Annotated[
        list[str],
        _field("what full passes, polls and the next run cost; empty without a schedule"),
    ]
    plan_requests: Annotated[int, _field("requests of the plan itself")]
    streams: Annotated[list[StreamPlan], _field("the estimate of each stream")]


class StreamAccess(msgspec.Struct, kw_only=True):
    """The access to one stream."""

    stream: Annotated[str, _field("name of the stream")]
    access: Annotated[
        Access,
        _field("`skipped` if the test found no parent record to read the stream for"),
    ]
    has_rows: Annotated[bool, _field("whether the sample had a row")]
    detail: Annotated[str, _field("the cell of the table")]
    error: Annotated[str | None, _field("class of the error, or null")]


class AccessReport(msgspec.Struct, kw_only=True):
    """The result of the connection test: `--test --format json`."""

    version: Annotated[str, _field("version of the tap")]
    streams: Annotated[list[StreamAccess], _field("the access to each stream")]
    account: Annotated[str, _field("the firm: name, owner, status and id")]
    account_id: Annotated[str | None, _field("id of the firm, or null if it cannot be read")]
    product: Annotated[str, _field("product and add-ons")]
    leads: Annotated[str, _field("whether the firm has leads")]
    intake: Annotated[str, _field("whether the firm has the Intake add-on")]
    webhooks: Annotated[
        str | None, _field("the state of the webhook subscription; null without `webhook_inbox`")
    ]
    clock: Annotated[str, _field("how this machine's clock and Smokeball's compare")]
    clock_skew_seconds: Annotated[
        float | None,
        _field("seconds that this machine's clock is behind; null if it is not known"),
    ]
    login: Annotated[str, _field("how the tap signs in, and until when")]
    refresh_token_expires_in_days: Annotated[
        int | None, _field("days until the refresh token expires; null if it is not known")
    ]
    requests: Annotated[int, _field("requests of the test")]


REPORTS: dict[str, type[msgspec.Struct]] = {
    "run_summary": RunSummary,
    "plan": Plan,
    "test": AccessReport,
}
"""The reports, by the name of their schema."""


def to_json(report: msgspec.Struct) -> str:
    """Return a report as one line of JSON."""
    return msgspec.json.encode(report).decode()
