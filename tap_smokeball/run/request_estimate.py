"""Estimates the requests of a stream: the basis of ``--plan`` and of the time left.

A stream consists of steps: the pages of a list, or the parents of a child stream. A step takes one
request, and one more for each further page of a parent's rows. A plan samples a few parents; a run
uses the parents that are done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_smokeball.api.pages import OVERLAP_ROWS

if TYPE_CHECKING:
    from tap_smokeball.api.pages import Page
    from tap_smokeball.api.response_parsers import ResponseFormat

PAGES = "pages"
"""The steps of a list; those of a child stream are its parents."""

ROUND_TO_MINUTES_ABOVE_SECONDS = 600.0
SECONDS_PER_MINUTE = 60


def page_count(rows: int, page_size: int) -> int:
    """Return how many requests the offset paginator makes to read a list.

    Args:
        rows: Rows of the list.
        page_size: Rows per page.
    """
    if rows < page_size:
        return 1
    return (rows - page_size) // max(1, page_size - OVERLAP_ROWS) + 2


def request_count(response_format: ResponseFormat, rows: int, page_size: int) -> int:
    """Return how many requests it takes to read a list, paged or not."""
    return page_count(rows, page_size) if response_format.is_paged else 1


@dataclass
class RequestEstimate:
    """How many requests a stream takes, as far as it is known.

    Attributes:
        steps: Number of steps, or None if it is not known yet.
        done: Number of steps that are done.
        unit: What the steps are, in the plural.
    """

    steps: int | None = None
    done: int = 0
    unit: str = PAGES
    _requests_done: int = 0

    def start(self, steps: int, unit: str) -> None:
        """Set the number of steps, and what they are."""
        self.steps, self.unit = steps, unit

    def add_step(self, requests: int) -> None:
        """Count one step as done that took some requests."""
        self.done += 1
        self._requests_done += requests

    def add_page(self, page: Page, page_size: int) -> None:
        """Count one page of a list as done, and learn from it how many there are."""
        self.add_step(1)
        rows = len(page.rows)
        # The API may cut its pages shorter than they were requested.
        actual_size = rows if page.next_link and 1 < rows < page_size else page_size
        if page.is_complete:
            expected = self.done
        elif page.size is not None and page.size >= rows:
            expected = page_count(page.size, actual_size)
        else:
            expected = self.done + (rows >= actual_size)
        self.steps = max(self.done, expected)

    @property
    def requests(self) -> float | None:
        """Requests of the whole stream, or None if that is not known yet."""
        if self.steps is None:
            return None
        return self.steps * (self._requests_done / self.done if self.done else 1.0)

    @property
    def fraction_done(self) -> float:
        """The part that is done, from 0 to 1."""
        return min(1.0, self.done / self.steps) if self.steps else 0.0


def humanize_seconds(seconds: float) -> str:
    """Return a duration in words, as ``2 minutes 5 seconds``."""
    if seconds < 1:
        return "under a second"
    whole_seconds = round(seconds)
    if whole_seconds == 1:
        return "1 second"
    if whole_seconds < SECONDS_PER_MINUTE:
        return f"{whole_seconds} seconds"
    if whole_seconds > ROUND_TO_MINUTES_ABOVE_SECONDS:
        whole_seconds = round(whole_seconds / SECONDS_PER_MINUTE) * SECONDS_PER_MINUTE
    import pendulum  # noqa: PLC0415 - 0.1 s and 2 MB that a short run does without

    return pendulum.duration(seconds=whole_seconds).in_words()
