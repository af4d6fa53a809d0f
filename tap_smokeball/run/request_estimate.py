"""The model of what a stream takes, in requests: what ``--plan`` and the time left are made of.

A stream is made of steps: the pages of a list, or the parents that rows hang below. What a step
takes is one request, and one more for every further page of what is below a parent. A plan learns
that from a few parents, a run from those that are done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_smokeball.api.pagination import OVERLAP

if TYPE_CHECKING:
    from tap_smokeball.api.pagination import Page

ROUND_TO_MINUTES_ABOVE = 600.0
"""Seconds from which on nobody wants to read of seconds."""


def pages(rows: int, limit: int) -> int:
    """Return how many requests the paginator makes to read a list.

    Args:
        rows: Rows of the list.
        limit: Rows a page.
    """
    return 1 if rows < limit else (rows - limit) // max(1, limit - OVERLAP) + 2


@dataclass
class RequestEstimate:
    """How many requests a stream takes, as far as is known by now.

    Attributes:
        steps: How many steps there are, or None if that is not known yet.
        done: How many of them are done.
        noun: What they are.
    """

    steps: int | None = None
    done: int = 0
    noun: str = "pages"
    _cost: int = 0

    def begin(self, steps: int, noun: str) -> None:
        """Take note of how many steps there are, and what they are."""
        self.steps, self.noun = steps, noun

    def step(self, cost: int) -> None:
        """Count one step as done; it took this many requests."""
        self.done += 1
        self._cost += cost

    def turn(self, page: Page, limit: int) -> None:
        """Count one page of a list as done, and learn from it how many there are."""
        self.step(1)
        cut = len(page.rows) if page.has_next and 1 < len(page.rows) < limit else limit
        if page.is_whole:
            told = self.done
        elif page.size is not None and page.size >= len(page.rows):
            told = pages(page.size, cut)
        else:
            told = self.done + (len(page.rows) >= cut)
        self.steps = max(self.done, told)

    @property
    def requests(self) -> float | None:
        """How many requests it takes in all, or None if that is not known yet."""
        if self.steps is None:
            return None
        return self.steps * (self._cost / self.done if self.done else 1.0)

    @property
    def share(self) -> float:
        """Which part of it is done, from 0 to 1."""
        return min(1.0, self.done / self.steps) if self.steps else 0.0


def words(seconds: float) -> str:
    """Return a length of time as people say it."""
    import pendulum  # noqa: PLC0415 - 0.1 s of start-up that --version and --discover do without

    if seconds < 1:
        return "under a second"
    whole = round(seconds)
    if whole > ROUND_TO_MINUTES_ABOVE:
        whole = round(whole / 60) * 60
    return pendulum.duration(seconds=whole).in_words()
