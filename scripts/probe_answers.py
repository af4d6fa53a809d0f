"""Generate the table of open questions about the API from the probe's reports in docs/probes."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from tap_smokeball.probe.question import NOT_KNOWN, Answer
from tap_smokeball.probe.questions import ALL
from tap_smokeball.probe.report import checked

if TYPE_CHECKING:
    from pathlib import Path


def table(folder: Path) -> list[str]:
    """Return the questions with what the tap does and what probes found, as Markdown.

    Args:
        folder: The folder with the reports.
    """
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    found: dict[str, Counter[str]] = {question.id: Counter() for question in ALL}
    by_id = {question.id: question for question in ALL}
    for report in reports:
        for entry in report["questions"]:
            if question := by_id.get(entry["id"]):
                answer = str(entry["answer"])
                first = answer.removeprefix("changed: ").split(", then ")[0]
                value = checked(question, Answer(first, {})).value
                if value != NOT_KNOWN:
                    is_changed = answer.startswith("changed: ")
                    found[question.id]["changed" if is_changed else value] += 1
    return [
        "| Question | What the tap does | Answers of probes |",
        "|---|---|---|",
        *(
            f"| {question.text} | {question.handling} | {_describe(found[question.id])} |"
            for question in ALL
        ),
    ]


def _describe(answers: Counter[str]) -> str:
    return ", ".join(f"{value} ({count})" for value, count in answers.most_common())
