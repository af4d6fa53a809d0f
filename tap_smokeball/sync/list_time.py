"""How long lists take, for runs with a time limit.

A list of parents cannot be resumed by the next run. Child streams need all ids at once, which no
state of a constant size can hold. A position in the list means nothing later: a matter that changes
moves to the end, one that is removed shifts all others, and the page that would show it is gone. A
time in place of a position fails where an import gave thousands of matters the same one, and where
a matter has none. And the digest of the ids compares parents that were listed together.

So a list that takes longer than a run never ends, whatever the number of runs. This module measures
lists, and a list that the time limit ends in two runs in a row is an error. The state of its stream
holds::

    {"list_time": {"seconds": 41,      how long the whole list takes, as last measured
                   "cut_runs": 0}}     runs in a row in which the time limit has ended it

The key exists only after a run with a time limit that cut the list, or of which the list took a
large part. No row depends on it: a wrong one costs requests.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tap_smokeball.errors import ListTimeError
from tap_smokeball.run.request_estimate import humanize_seconds
from tap_smokeball.run.status import StreamStatus
from tap_smokeball.sync.parent_stream import ParentStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_smokeball.run.status import RunStatus
    from tap_smokeball.sync.base_stream import SmokeballStream
    from tap_smokeball.sync.bookmarks import BookmarkManager
    from tap_smokeball.sync.child_stream import ChildStream

STATE_KEY = "list_time"

LONG_SHARE = 0.1
"""Share of the time limit from which on a list of parents is long."""

LONG_REQUESTS = 20
"""Requests from which on a list of parents is long."""

MAX_CUT_RUNS = 2
"""Runs in a row that the time limit may cut in the same list: the last of them fails."""

SPARE_FACTOR = 1.25
"""By how much more time is reserved for a list than it took."""


class ListTime:
    """What the state remembers of the list of one stream.

    Args:
        bookmarks: The state of the stream.
    """

    def __init__(self, bookmarks: BookmarkManager) -> None:
        self._bookmarks = bookmarks

    @property
    def is_known(self) -> bool:
        """Whether the state remembers anything."""
        return bool(self._entry)

    @property
    def seconds(self) -> int:
        """How long the whole list takes; 0 if that is not known."""
        return self._number("seconds")

    @property
    def cut_runs(self) -> int:
        """How many runs in a row the time limit has cut in the list."""
        return self._number("cut_runs")

    def is_long(self, limit_seconds: float) -> bool:
        """Return whether the list is known to take a large part of a time limit."""
        return self.cut_runs > 0 or (self.seconds >= LONG_SHARE * limit_seconds and self.is_known)

    def should_come_first(self, limit_seconds: float) -> bool:
        """Return whether the last run was cut in the list, and a whole run has time for it."""
        return self.cut_runs % 2 == 1 and self.seconds <= limit_seconds

    def record(self, seconds: float, cut_runs: int = 0) -> None:
        """Remember how long the list takes, and the runs that were cut in it."""
        entry = {"seconds": math.ceil(seconds), "cut_runs": cut_runs}
        if entry != self._entry:
            self._bookmarks.stream_state[STATE_KEY] = entry
            self._bookmarks.is_flushed = False

    @property
    def _entry(self) -> dict[str, Any]:
        entry = self._bookmarks.stream_state.get(STATE_KEY)
        return entry if isinstance(entry, dict) else {}

    def _number(self, name: str) -> int:
        value = self._entry.get(name)
        return value if isinstance(value, int) and value > 0 else 0


class ListClock:
    """Measures the lists of one run, and tells which one no run will end.

    Args:
        status: The status of the run.

    Attributes:
        changes_seconds: Time that the run spent on changes before its first list.
        has_time_left: Whether there was time for child streams once the lists had ended.
    """

    def __init__(self, status: RunStatus) -> None:
        self.changes_seconds = 0.0
        self.has_time_left = True
        self._status = status
        self._spans: dict[str, tuple[float, float]] = {}

    @contextmanager
    def measuring(self, stream: SmokeballStream) -> Iterator[None]:
        """Measure the list of a stream."""
        begun = self._status.elapsed_seconds
        try:
            yield
        finally:
            self._spans[stream.name] = begun, self._status.elapsed_seconds

    def record(self, top_level: Sequence[SmokeballStream], children: Sequence[ChildStream]) -> None:
        """Remember the lists that take long; a stream whose list no run will end fails."""
        if self._status.signal:
            return
        cut = self._find_cut(top_level, children)
        for stream in top_level:
            if stream is cut:
                self._record_cut(stream)
            elif stream.result.status is StreamStatus.COMPLETE and stream.decision.is_full:
                self._record_complete(stream)

    def _find_cut(
        self, top_level: Sequence[SmokeballStream], children: Sequence[ChildStream]
    ) -> SmokeballStream | None:
        """Return the first stream that lists kept from its end, if the run has a time limit."""
        if self._status.limit_seconds is None:
            return None
        for stream in top_level:
            if stream.result.status is StreamStatus.TIME_LIMIT:
                return stream
            if stream.result.status is StreamStatus.PENDING:
                return None if stream is top_level[0] else stream  # else there was no time at all
        if self.has_time_left:
            return None
        return next((child.parent_stream for child in children if child.result.is_unfinished), None)

    def _record_complete(self, stream: SmokeballStream) -> None:
        remembered, limit = ListTime(stream.state_manager), self._status.limit_seconds
        begun, ended = self._spans[stream.name]
        is_long = (
            limit is not None
            and isinstance(stream, ParentStream)
            and stream.has_selected_descendents
            and stream.result.estimate.done >= LONG_REQUESTS
            and ended - begun >= LONG_SHARE * limit
        )
        if is_long or remembered.is_known:
            remembered.record(ended - begun)
            stream.write_state()

    def _record_cut(self, stream: SmokeballStream) -> None:
        remembered = ListTime(stream.state_manager)
        begun, seconds = self._expected_span(stream)
        remembered.record(seconds or remembered.seconds, remembered.cut_runs + 1)
        stream.write_state()
        needed = SPARE_FACTOR * (begun - self.changes_seconds + (seconds or remembered.seconds))
        error = ListTimeError(
            f"the time limit ended {remembered.cut_runs} runs in a row before the lists were read"
            if remembered.cut_runs > 1
            else "the time limit ended the run before the lists were read",
            humanize_seconds(needed) if seconds else "",
            math.ceil(needed / 60) if seconds else 0,
        )
        if remembered.cut_runs >= MAX_CUT_RUNS:
            stream.result.fail(error)
        else:
            stream.logger.warning("%s: %s", stream.name, error)

    def _expected_span(self, stream: SmokeballStream) -> tuple[float, float]:
        """Return when the list began, and how many seconds all of it takes; 0 if not known."""
        elapsed, estimate = self._status.elapsed_seconds, stream.result.estimate
        begun, ended = self._spans.get(stream.name, (elapsed, elapsed))
        if not (estimate.done and estimate.steps and stream.decision.is_full):
            return begun, 0.0
        return begun, (ended - begun) * estimate.steps / estimate.done
