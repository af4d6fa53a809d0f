"""The probe's report: a table for people, and a JSON file that also keeps its progress."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_smokeball.config.private_files import replace_file
from tap_smokeball.errors import ProbeReportError, os_error_message
from tap_smokeball.probe.question import NOT_KNOWN, Answer
from tap_smokeball.probe.questions import ALL
from tap_smokeball.reporting.text_table import format_table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tap_smokeball.probe.question import Question

FORMAT = 1
CHANGED = "changed"

_EVIDENCE_TEXT = re.compile(r"[A-Za-z0-9 ,.:;/{}()'_-]{1,400}")


@dataclass
class Report:
    """The answers so far.

    Attributes:
        region: Region and environment of the account.
        day: Day of the first request, as ``2026-11-26``.
        version: Version of the tap.
        requests: Requests so far.
        answers: The answers of the first round by question.
        repeated: The answers of the second round.
        is_complete: Whether nothing is left to ask.
    """

    region: str
    day: str
    version: str
    requests: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    repeated: dict[str, Answer] = field(default_factory=dict)
    is_complete: bool = False

    def final(self, question: Question) -> Answer:
        """Return the answer of both rounds."""
        first = self.answers.get(question.id, Answer(NOT_KNOWN, {"asked": "no"}))
        second = self.repeated.get(question.id)
        if second is None or second.value in {first.value, NOT_KNOWN}:
            return first
        if first.value == NOT_KNOWN:
            return second
        return Answer(f"{CHANGED}: {first.value}, then {second.value}", first.evidence)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {
            "format": FORMAT,
            "tap": self.version,
            "region": self.region,
            "day": self.day,
            "requests": self.requests,
            "complete": self.is_complete,
            "questions": [self._entry(question) for question in ALL],
            "progress": {
                name: {key: [each.value, each.evidence] for key, each in answers.items()}
                for name, answers in (("first", self.answers), ("second", self.repeated))
            },
        }

    def _entry(self, question: Question) -> dict[str, Any]:
        answer = self.final(question)
        return {
            "id": question.id,
            "question": question.text,
            "answer": answer.value,
            "evidence": answer.evidence,
            "tap": question.handling,
            "could": _could(question, answer),
        }

    def table(self) -> str:
        """Return the report for people."""
        rows = [("question", "answer", "evidence")]
        lines: list[str] = []
        for question in ALL:
            answer = self.final(question)
            rows.append((question.text, answer.value, _describe(answer)))
            if could := _could(question, answer):
                lines.append(f"{question.id}: the tap {question.handling}. Possible: {could}.")
        known = sum(self.final(each).value != NOT_KNOWN for each in ALL)
        total = f"{known} of {len(ALL)} questions are answered, after {self.requests} requests."
        cells = [(question, answer.ljust(1), evidence) for question, answer, evidence in rows]
        return "\n\n".join([_left_table(cells), "\n".join([total, *lines])])


def _left_table(rows: list[tuple[str, str, str]]) -> str:
    width = max(len(answer) for _, answer, _ in rows)
    return format_table((question, answer.ljust(width), rest) for question, answer, rest in rows)


def _could(question: Question, answer: Answer) -> str:
    return question.answers.get(answer.value, "")


def _describe(answer: Answer, most: int = 4) -> str:
    shown = [f"{name} {value}" for name, value in list(answer.evidence.items())[:most]]
    more = len(answer.evidence) - most
    return ", ".join([*shown, *([f"{more} more in the file"] if more > 0 else [])])


def checked(question: Question, answer: Answer) -> Answer:
    """Return an answer that is sure to hold no data of the firm.

    Its value is one that the question declares. Evidence is made of counts and of short words; what
    does not look like one is left out.
    """
    value = answer.value if answer.value in {*question.answers, NOT_KNOWN} else NOT_KNOWN
    evidence = {
        name: each
        for name, each in answer.evidence.items()
        if _EVIDENCE_TEXT.fullmatch(name)
        and (not isinstance(each, str) or _EVIDENCE_TEXT.fullmatch(each))
    }
    return Answer(value, evidence)


def save(report: Report, path: Path) -> None:
    """Write a report; only its owner can read it.

    Raises:
        ProbeReportError: The file cannot be written.
    """
    content = json.dumps(report.as_json(), indent=2).encode() + b"\n"
    try:
        replace_file(path, content)
    except OSError as error:
        raise ProbeReportError(
            f"the report cannot be written: {os_error_message(error)}",
            "Pass another file by --probe-report",
        ) from None


def load(path: Path, fresh: Report) -> Report:
    """Return the unfinished report of a file, or a fresh one if there is none to resume.

    Raises:
        ProbeReportError: The file exists, and is not a report.
    """
    try:
        content = json.loads(path.read_bytes())
        progress = content["progress"]
        found = Report(
            content["region"],
            content["day"],
            content["tap"],
            int(content["requests"]),
            _answers(progress["first"]),
            _answers(progress["second"]),
            is_complete=bool(content["complete"]),
        )
    except FileNotFoundError:
        return fresh
    except OSError as error:
        reason = f"the report cannot be read: {os_error_message(error)}"
    except (KeyError, TypeError, ValueError, AttributeError):
        reason = "the file for the report holds something else"
    else:
        same = (found.region, found.day, found.version) == (fresh.region, fresh.day, fresh.version)
        return found if same and not found.is_complete else fresh
    raise ProbeReportError(reason, "Pass another file by --probe-report")


def _answers(content: dict[str, Any]) -> dict[str, Answer]:
    by_id = {question.id: question for question in ALL}
    pairs: Iterable[tuple[str, Any]] = content.items()
    return {
        name: checked(by_id[name], Answer(value, dict(evidence)))
        for name, (value, evidence) in pairs
        if name in by_id
    }
