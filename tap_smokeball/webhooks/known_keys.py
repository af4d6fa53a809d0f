"""The keys of all firms, in memory, and never older than the delivery that they refuse."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tap_smokeball.errors import InboxError
from tap_smokeball.inbox.keys import load_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_smokeball.inbox.engine import InboxDatabase
    from tap_smokeball.inbox.keys import SigningKey
    from tap_smokeball.webhooks.inbox_threads import InboxThreads

_MIN_INTERVAL_SECONDS = 0.05


class KnownKeys:
    """The keys of all firms.

    Args:
        database: The inbox.
        threads: Threads for the database.
    """

    def __init__(self, database: InboxDatabase, threads: InboxThreads) -> None:
        self._database = database
        self._threads = threads
        self._keys: dict[str, list[SigningKey]] = {}
        self._most_keys = 0
        self._loaded_at = float("-inf")
        self._failure: InboxError | None = None
        self._lock = asyncio.Lock()

    @property
    def firms(self) -> list[str]:
        """Names of the firms that have a subscription."""
        return list(self._keys)

    @property
    def most_keys(self) -> int:
        """Count of keys of the firm that has the most."""
        return self._most_keys

    def of_firm(self, firm: str) -> Sequence[SigningKey]:
        """Return the keys of a firm; none for an unknown one."""
        return self._keys.get(firm, ())

    async def refresh(self, since: float) -> None:
        """Load the keys, unless they were loaded after some time of the event loop's clock.

        A key that was saved before a delivery came is known before the delivery is refused.
        Whatever number of deliveries wait, keys are loaded twenty times a second at most.

        Raises:
            InboxError: The inbox cannot be read.
        """
        loop = asyncio.get_running_loop()
        async with self._lock:
            if self._loaded_at < since:
                await asyncio.sleep(self._loaded_at + _MIN_INTERVAL_SECONDS - loop.time())
                started = loop.time()
                try:
                    self._keys = await self._threads.run(load_keys, self._database)
                    self._most_keys = max(map(len, self._keys.values()), default=0)
                    self._failure = None
                except InboxError as error:
                    self._failure = error
                self._loaded_at = started
            if self._failure:
                raise InboxError(self._failure.reason, self._failure.advice)
