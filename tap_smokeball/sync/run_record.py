"""Writes to the inbox what a run says of itself, so that others know which firms are due.

No state depends on it: if it cannot be written, a warning says so, and the firm is only run too
early or too late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tap_smokeball.api.token_expiry import expires_at
from tap_smokeball.errors import InboxError, SmokeballError
from tap_smokeball.inbox import open_run_log
from tap_smokeball.run.failure import find_failure
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.schedule import is_polled
from tap_smokeball.sync.schedule_state import ScheduleState
from tap_smokeball.sync.subscription_check import STATE_KEY

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable

    from tap_smokeball.session import Session
    from tap_smokeball.sync.base_stream import SmokeballStream
    from tap_smokeball.sync.schedule import Schedule


def record_run(
    session: Session,
    schedule: Schedule | None,
    streams: Iterable[SmokeballStream],
    logger: logging.Logger,
) -> None:
    """Record a run that ended, unless webhooks are not used.

    Args:
        session: Settings and status of the run.
        schedule: What was read; None if the state could not be checked.
        streams: The streams of the run.
        logger: Takes a warning.
    """
    settings, selected = session.settings, [stream for stream in streams if stream.selected]
    if not (settings.webhook_inbox and selected):
        return
    tap_state = cast("dict[str, Any]", selected[0].tap_state)
    reader = settings.webhook_reader or tap_state.get(STATE_KEY, {}).get("reader")
    if not reader:
        return
    errors: list[tuple[str | None, SmokeballError]] = [
        (each.stream, each.error) for each in session.status.failures if each.error
    ]
    if schedule and schedule.error:
        errors.append((None, schedule.error))
    failure = find_failure(errors)
    report = _report(session, schedule, selected) if schedule and not schedule.error else None
    try:
        with open_run_log(settings.webhook_inbox, settings.webhook_firm, reader) as run_log:
            run_log.record(report, failure.document() if failure else None)
    except InboxError as error:
        logger.warning("%s", error)


def _report(
    session: Session, schedule: Schedule, streams: Iterable[SmokeballStream]
) -> dict[str, Any]:
    polls: list[int] = []
    passes: list[int] = []
    closed_passes: list[int] = []
    is_waiting, refused = False, 0
    for stream in streams:
        bookmarks, state = stream.state_manager, ScheduleState(stream.state_manager)
        is_child = isinstance(stream, ChildStream)
        last = bookmarks.last_completed if is_child else state.last_read
        (polls if is_polled(stream) else passes).append(last)
        states = [bookmarks.stream_state]
        was_never_read = not last and stream.result.is_unfinished
        is_waiting = is_waiting or was_never_read or state.is_full_pass_due(last)
        if isinstance(stream, ChildStream) and (closed := stream.closed_bookmarks):
            closed_passes.append(closed.last_completed)
            states.append(closed.stream_state)
            is_waiting = is_waiting or stream.misses_closed_events
        is_waiting = is_waiting or any(isinstance(each.get("resume"), dict) for each in states)
        refused += len(bookmarks.unread_parents)
    issued = session.client.refresh_token_issued_ticks
    return {
        "position": schedule.position,
        "seen": schedule.seen,
        "last_poll": min(polls, default=None),
        "last_full_pass": min(passes, default=None),
        "last_closed_pass": min(closed_passes, default=None),
        "is_pass_waiting": is_waiting,
        "refused_parents": refused,
        "token_expires": None if issued is None else expires_at(issued),
    }
