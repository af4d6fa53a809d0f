"""A question about the API, and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_smokeball.probe.samples import Samples

NOT_KNOWN = "not known"
"""The answer if the firm has no rows from which it follows."""

Evidence = dict[str, "int | float | str"]


class Answer(NamedTuple):
    """What an account showed.

    Attributes:
        value: One of the question's answers, or `NOT_KNOWN`.
        evidence: Counts, kinds and times; never data of the firm.
    """

    value: str
    evidence: Evidence


@dataclass(frozen=True)
class Question:
    """A question about the API.

    Attributes:
        id: Its name in reports.
        text: The question.
        scopes: The scopes that its requests need.
        requests: Most requests that it may cost.
        answers: Each possible answer, with what could be switched or changed if it is the answer;
            empty if the tap is right as it is.
        handling: What the tap does as long as the answer is not known.
        ask: Finds the answer.
        is_repeated: Whether it is asked again at the end, because the API may change its behavior
            in between.
    """

    id: str
    text: str
    scopes: tuple[str, ...]
    requests: int
    answers: Mapping[str, str]
    handling: str
    ask: Callable[[Samples], Answer] = field(repr=False)
    is_repeated: bool = False


def not_known(**evidence: float | str) -> Answer:
    """Return an answer that says nothing but why."""
    return Answer(NOT_KNOWN, dict(evidence))


def from_counts(counts: Mapping[str, int], mixed: str = "mixed") -> Answer:
    """Return the only answer that was counted, `mixed` if there are several."""
    seen = [value for value, count in counts.items() if count]
    evidence: Evidence = {value: count for value, count in counts.items() if count}
    if not seen:
        return Answer(NOT_KNOWN, evidence)
    return Answer(seen[0] if len(seen) == 1 else mixed, evidence)
