"""Records gaps: where the receiver refused a delivery that may have been real."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tap_smokeball.inbox.receivers import record_gaps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_smokeball.inbox.engine import InboxDatabase
    from tap_smokeball.webhooks.inbox_threads import InboxThreads
    from tap_smokeball.webhooks.metrics import Metrics

_MIN_INTERVAL_SECONDS = 60
"""Between two gaps of a firm with one reason: a flood of refusals costs the reader one pass."""


class GapRecorder:
    """Remembers gaps until the inbox can be written.

    Args:
        database: The inbox.
        threads: Threads for the database.
        metrics: Counts gaps.
    """

    def __init__(self, database: InboxDatabase, threads: InboxThreads, metrics: Metrics) -> None:
        self._database = database
        self._threads = threads
        self._metrics = metrics
        self._waiting: set[tuple[str, str]] = set()
        self._recorded_at: dict[tuple[str, str], float] = {}

    def add(self, firms: Iterable[str], reason: str) -> None:
        """Note a gap of some firms, all of which the inbox knows."""
        self._waiting.update((firm, reason) for firm in firms)

    async def flush(self, *, is_last: bool = False) -> None:
        """Record the gaps that are due: after the last refusal, and not more than one a minute.

        Args:
            is_last: Whether all are due, because the receiver ends.

        Raises:
            InboxError: The inbox cannot be written. The gaps are kept.
        """
        now = asyncio.get_running_loop().time()
        due = {
            gap
            for gap in self._waiting
            if is_last or now - self._recorded_at.get(gap, float("-inf")) >= _MIN_INTERVAL_SECONDS
        }
        if not due:
            return
        # A refusal that comes meanwhile may be later than the row: it waits for the next one.
        self._waiting -= due
        try:
            await self._threads.run(record_gaps, self._database, sorted(due))
        except BaseException:
            self._waiting |= due
            raise
        self._recorded_at.update(dict.fromkeys(due, now))
        for _, reason in due:
            self._metrics.gaps.labels(reason).inc()
