"""The part of a plan about the schedule: what a run of each kind costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks
from tap_smokeball.run.request_estimate import humanize_seconds
from tap_smokeball.sync.read_decision import ReadMode
from tap_smokeball.sync.schedule import is_polled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_smokeball.session import Session
    from tap_smokeball.sync.base_stream import SmokeballStream
    from tap_smokeball.sync.runner import Runner


def schedule_lines(
    runner: Runner, session: Session, requests: Mapping[str, float]
) -> Iterator[str]:
    """Yield what a full pass, the polls and the next run cost; nothing without a schedule.

    Args:
        runner: Has decided what the next run reads.
        session: Settings of the run.
        requests: Requests of a full pass, by stream.
    """
    settings = session.settings
    if runner.schedule is None:
        return
    streams = [*runner.top_level, *runner.children]
    rate = settings.requests_per_second

    def cost(number: float) -> str:
        return f"about {number:,.0f} requests, {humanize_seconds(number / rate)}"

    polled = sum(requests.get(each.name, 0) for each in streams if is_polled(each))
    total = sum(requests.get(each.name, 0) for each in streams)
    full_pass = _frequency(settings.full_pass_interval_ticks)
    yield f"Full pass ({full_pass}): {cost(total - polled)}."
    yield f"Streams without events ({_frequency(settings.poll_interval_ticks)}): {cost(polled)}."
    if settings.webhook_inbox:
        yield f"Webhooks: the subscription is {runner.schedule.subscription.text}."
    named = sum(len(each.decision.events.named) for each in streams if each.decision.events)
    due = sum(_cost_now(each, requests) for each in streams)
    yield f"Next run: {cost(due)}, of which {named:,} for parents that events name."


def _cost_now(stream: SmokeballStream, requests: Mapping[str, float]) -> float:
    """Return the requests of a stream in the next run; more if parents changed."""
    decision = stream.decision
    if decision.is_full:
        return requests.get(stream.name, 0)
    if stream.parent_key is None:
        return 1 if decision.mode is ReadMode.CHANGES else 0
    return len(decision.events.named) if decision.events else 0


def _frequency(interval_ticks: int) -> str:
    seconds = interval_ticks / dotnet_ticks.PER_SECOND
    return f"every {humanize_seconds(seconds)}" if interval_ticks else "every run"
