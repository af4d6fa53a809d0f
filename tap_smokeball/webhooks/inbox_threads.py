"""Threads for the inbox's database, so that the event loop never waits for it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class InboxThreads:
    """A few threads.

    Args:
        count: Count of threads.
    """

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="inbox")

    async def run(
        self,
        work: Callable[_Parameters, _Result],
        *arguments: _Parameters.args,
        **options: _Parameters.kwargs,
    ) -> _Result:
        """Run a function of the inbox in a thread, and return its result."""

        def call() -> _Result:
            return work(*arguments, **options)

        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def close(self) -> None:
        """Wait for the work that has begun."""
        self._pool.shutdown()
