"""The session: what every stream shares within one run."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_smokeball.api.client import ApiClient
from tap_smokeball.config.settings import Settings
from tap_smokeball.run.status import RunStatus
from tap_smokeball.run.worker_pool import WorkerPool

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping


class Session:
    """Settings, API client, worker pool and status of one run, each made on first use.

    Args:
        config: A valid configuration; not read before a stream is synced, as ``--discover`` has
            none.
        logger: Takes warnings.
        on_idle: Called by the main thread whenever it is about to wait for a response.
    """

    def __init__(
        self, config: Mapping[str, Any], logger: logging.Logger, on_idle: Callable[[], None]
    ) -> None:
        self._config = config
        self._logger = logger
        self._on_idle = on_idle

    @cached_property
    def settings(self) -> Settings:
        """The settings, in the units that the tap works with."""
        return Settings.from_config(self._config)

    @cached_property
    def client(self) -> ApiClient:
        """The API client of the process."""
        return ApiClient(self.settings, self._logger)

    @cached_property
    def status(self) -> RunStatus:
        """When the run must stop, its progress, and how each stream ended."""
        return RunStatus(self.client.transport, self.settings.max_run_seconds)

    @cached_property
    def pool(self) -> WorkerPool:
        """The threads that send the requests."""
        return WorkerPool(self.settings.burst, self.status, self._on_idle)

    def close(self) -> None:
        """Close all connections, and let the threads end."""
        self.pool.close()
        self.client.close()
