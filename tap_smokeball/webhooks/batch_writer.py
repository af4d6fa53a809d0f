"""Writes deliveries to the inbox: all that wait go into one transaction."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tap_smokeball.errors import InboxError
from tap_smokeball.inbox.append import append_deliveries
from tap_smokeball.webhooks.inbox_threads import InboxThreads

if TYPE_CHECKING:
    from tap_smokeball.inbox.append import Delivery
    from tap_smokeball.inbox.engine import InboxDatabase
    from tap_smokeball.webhooks.metrics import Metrics

_MAX_BATCH = 500
_MAX_WAITING = 2_000
_MAX_WAIT_SECONDS = 9
"""Smokeball waits ten seconds for the response."""


class WriterFullError(Exception):
    """More deliveries wait than may wait."""


class BatchWriter:
    """Writes deliveries, one transaction at a time.

    Args:
        database: The inbox.
        metrics: Counts rows and measures transactions.
    """

    def __init__(self, database: InboxDatabase, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics
        # The only writer of this process: a second one would wait for the first one's lock.
        self._thread = InboxThreads(1)
        self._waiting: list[tuple[Delivery, asyncio.Future[bool]]] = []
        self._has_work = asyncio.Event()
        self._is_closing = False

    async def append(self, delivery: Delivery) -> bool:
        """Append a delivery, and return whether its signature came with this body alone.

        Raises:
            InboxError: The inbox cannot be written, or not in time.
            WriterFullError: Too many deliveries wait.
        """
        if len(self._waiting) >= _MAX_WAITING:
            raise WriterFullError
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, future))
        self._has_work.set()
        try:
            return await asyncio.wait_for(future, _MAX_WAIT_SECONDS)
        except asyncio.TimeoutError:
            raise InboxError("the webhook inbox does not respond in time") from None

    async def run(self) -> None:
        """Write until `close`, and then what still waits."""
        while not self._is_closing or self._waiting:
            await self._has_work.wait()
            self._has_work.clear()
            while self._waiting:
                batch = self._waiting[:_MAX_BATCH]
                del self._waiting[:_MAX_BATCH]
                # What nobody waits for any more was answered 503 already.
                await self._write([each for each in batch if not each[1].done()])
        self._thread.close()

    def close(self) -> None:
        """End `run` when all is written."""
        self._is_closing = True
        self._has_work.set()

    async def _write(self, batch: list[tuple[Delivery, asyncio.Future[bool]]]) -> None:
        deliveries = [delivery for delivery, _ in batch]
        try:
            with self._metrics.write_seconds.time():
                done = await self._thread.run(append_deliveries, self._database, deliveries)
        except Exception as error:  # noqa: BLE001 - each delivery must get its answer
            known = error if isinstance(error, InboxError) else None
            for _, future in batch:
                if not future.done():
                    future.set_exception(
                        InboxError(known.reason, known.advice)
                        if known
                        else InboxError(f"unexpected {type(error).__name__} in the inbox")
                    )
            return
        self._metrics.add_rows(done.stored_rows)
        for (_, future), is_accepted in zip(batch, done.is_accepted, strict=True):
            if not future.done():
                future.set_result(is_accepted)
