"""Runs a probe: each question once, then again those whose answer the API may change."""

from __future__ import annotations

import datetime as dt
from importlib import metadata
from typing import TYPE_CHECKING

from tap_smokeball.errors import (
    AuthenticationError,
    ProbeBudgetError,
    SmokeballError,
    summarize_bug,
)
from tap_smokeball.probe.question import Answer, not_known
from tap_smokeball.probe.questions import ALL
from tap_smokeball.probe.reader import ProbeReader
from tap_smokeball.probe.report import Report, checked, load, save
from tap_smokeball.probe.samples import Samples, Sizes
from tap_smokeball.run.status import RunInterruptedError
from tap_smokeball.run.stop_signals import stop_on_signals

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tap_smokeball.probe.question import Question
    from tap_smokeball.session import Session
    from tap_smokeball.sync.base_stream import SmokeballStream

_FIRST_SIZES = Sizes(billing=8, details=6)
_SECOND_SIZES = Sizes(billing=2, details=3)


def run(session: Session, streams: Mapping[str, SmokeballStream], where: str, path: Path) -> Report:
    """Ask all questions that an earlier run left, and keep the report in a file.

    Args:
        session: What the streams share.
        streams: All streams of the tap by name.
        where: Region and environment of the account.
        path: The file.

    Raises:
        ProbeReportError: The file cannot be read or written.
        AuthenticationError: There is no access token, so nothing can be asked.
        RunInterruptedError: A signal came; the next run resumes.
    """
    day = dt.datetime.now(dt.timezone.utc).date().isoformat()
    report = load(path, Report(where, day, metadata.version("tap-smokeball")))
    save(report, path)  # before the first request: it must be possible
    reader = ProbeReader(session, report.requests)
    with stop_on_signals(session.status.stop):
        try:
            first = Samples(session, streams, reader, _FIRST_SIZES)
            _ask_all(ALL, first, report.answers, report, path)
            second = Samples(session, streams, reader, _SECOND_SIZES)
            repeated = tuple(question for question in ALL if question.is_repeated)
            _ask_all(repeated, second, report.repeated, report, path)
            report.is_complete = True
        finally:
            report.requests = reader.budget.used
            save(report, path)
            session.close()
    if session.status.signal:
        raise RunInterruptedError(session.status.signal)
    return report


def _ask_all(
    questions: tuple[Question, ...],
    samples: Samples,
    answers: dict[str, Answer],
    report: Report,
    path: Path,
) -> None:
    for question in questions:
        if question.id in answers:
            continue
        answers[question.id] = checked(question, _ask(question, samples))
        report.requests = samples.reader.budget.used
        save(report, path)


def _ask(question: Question, samples: Samples) -> Answer:
    if samples.reader.budget.left < question.requests:
        return not_known(asked="no: too few requests are left")
    try:
        return question.ask(samples)
    except ProbeBudgetError:
        return not_known(asked="in part: no request is left")
    except AuthenticationError:
        raise
    except SmokeballError as error:
        return not_known(refused=str(error.status or type(error).__name__))
    except RunInterruptedError:
        raise
    except Exception as error:  # noqa: BLE001 - one question must not end the others
        return not_known(bug=summarize_bug(error))
