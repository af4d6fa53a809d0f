"""``--plan``: the estimate of a run, for people and machines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tap_smokeball.config.settings import version
from tap_smokeball.reporting.plan import Planner
from tap_smokeball.reporting.report_types import Plan, StreamPlan
from tap_smokeball.reporting.schedule_plan import schedule_lines
from tap_smokeball.reporting.text_table import format_table
from tap_smokeball.run.request_estimate import humanize_seconds
from tap_smokeball.run.throughput import SIGNIFICANT_SHARE, Throughput, humanize_latency

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.run.status import StreamResult
    from tap_smokeball.session import Session
    from tap_smokeball.sync.runner import Runner
    from tap_smokeball.sync.state_check import StateCheck


def plan_run(runner: Runner, session: Session, state_check: StateCheck) -> Plan:
    """Return the plan of a run; streams that fail are marked as in a run.

    Args:
        runner: The streams.
        session: Settings and API client of the run.
        state_check: Has checked the state.

    Raises:
        RunInterruptedError: A signal came.
    """
    estimates = list(Planner(runner, session).estimates())
    runner.decide_reads(state_check)  # not before: a full pass is estimated first
    settings, transport = session.settings, session.client.transport
    latency = transport.counts.latency_seconds(*list(session.status.results))
    # The requests of a list come one by one, those of child streams do not.
    children = {stream.name for stream in runner.children}
    one_by_one = Throughput(settings.requests_per_second, latency, 1)
    in_parallel = Throughput(settings.requests_per_second, latency, settings.burst)
    streams, seconds_of_lists, seconds_of_children = [], 0.0, 0.0
    for estimate in estimates:
        throughput = in_parallel if estimate.stream in children else one_by_one
        seconds = estimate.requests / throughput.requests_per_second
        if estimate.stream in children:
            seconds_of_children += seconds
        else:
            seconds_of_lists += seconds
        streams.append(
            StreamPlan(
                stream=estimate.stream,
                rows=None if estimate.rows is None else round(estimate.rows),
                requests=round(estimate.requests),
                seconds=round(seconds, 3),
                basis=estimate.basis,
                error=None,
            )
        )
    streams += [_failed_stream(result) for result in session.status.failures]
    requests = sum(estimate.requests for estimate in estimates)
    total_seconds = seconds_of_lists + seconds_of_children
    rate = requests / total_seconds if total_seconds else settings.requests_per_second
    limit = settings.max_run_seconds
    is_slow = rate < SIGNIFICANT_SHARE * settings.requests_per_second
    return Plan(
        version=version(),
        requests=round(requests),
        seconds=round(total_seconds, 3),
        requests_per_second=round(rate, 3),
        requests_per_second_limit=settings.requests_per_second,
        latency_seconds=None if latency is None else round(latency, 3),
        limited_by="latency" if is_slow else "rate_limit",
        max_in_flight=settings.burst,
        max_run_seconds=limit,
        runs=_runs_needed(limit, seconds_of_lists, seconds_of_children),
        schedule=list(
            schedule_lines(
                runner, session, {each.stream: each.requests for each in estimates}, rate
            )
        ),
        plan_requests=session.status.requests,
        streams=streams,
    )


def _failed_stream(result: StreamResult) -> StreamPlan:
    return StreamPlan(
        stream=result.stream,
        rows=None,
        requests=None,
        seconds=None,
        basis=result.description,
        error=type(result.error).__name__,
    )


def _runs_needed(limit: float | None, in_lists: float, in_children: float) -> int | None:
    """Return how many runs it takes, each of which reads the lists again; None if none suffices.

    Args:
        limit: Time limit of a run in seconds, or None.
        in_lists: Seconds that the lists take.
        in_children: Seconds that the child streams take.
    """
    if limit is None:
        return 1
    if limit <= in_lists:
        return None
    return max(1, math.ceil(in_children / (limit - in_lists)))


def render(plan: Plan) -> str:
    """Return a plan for people."""
    rows = [("stream", "rows", "requests", "time", "basis")]
    rows += [
        (
            each.stream,
            "" if each.rows is None else f"{each.rows:,}",
            "" if each.requests is None else f"{each.requests:,}",
            "" if each.seconds is None else humanize_seconds(each.seconds),
            each.basis,
        )
        for each in plan.streams
    ]
    lines = [format_table(rows), "", *_conclusion(plan), *plan.schedule]
    lines.append(f"This plan took {plan.plan_requests:,} requests.")
    return "\n".join(lines)


def _conclusion(plan: Plan) -> Iterator[str]:
    limit, latency = plan.requests_per_second_limit, plan.latency_seconds
    total = f"About {plan.requests:,} requests: {humanize_seconds(plan.seconds)}"
    if plan.limited_by == "latency" and latency:
        yield f"{total} at {plan.requests_per_second:.1f} per second."
        yield (
            f"The latency holds the rate, not the rate limit of {limit:g} per second: a request "
            f"takes {humanize_latency(latency)}, and at most {plan.max_in_flight} are in flight."
        )
    else:
        yield f"{total} at {limit:g} per second."
    if plan.max_run_seconds is None:
        return
    if plan.runs is None:
        yield "max_run_minutes is too short: the lists alone take longer in each run."
    elif plan.runs > 1:
        limit_time = humanize_seconds(plan.max_run_seconds)
        yield f"With max_run_minutes that is {plan.runs:,} runs of {limit_time}."
