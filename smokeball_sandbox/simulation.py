"""Everything one running sandbox consists of."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec

from smokeball_sandbox.auth import Authority
from smokeball_sandbox.chaos import Weather
from smokeball_sandbox.clock import Clock
from smokeball_sandbox.commands import Commands
from smokeball_sandbox.faults import Faults
from smokeball_sandbox.rate_limit import Limiter
from smokeball_sandbox.request_handler import Handler
from smokeball_sandbox.request_log import Journal
from smokeball_sandbox.resources import Resource, Router
from smokeball_sandbox.scheduled_changes import Scripts
from smokeball_sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.settings import Settings


class World:
    """The parts of a sandbox, put together.

    Args:
        firm: Whose data it is.
        settings: How it behaves at the start; no scopes means all there are.
        resources: What it serves.
        account_id: The account that paths may be prefixed with.
    """

    def __init__(
        self,
        firm: Firm,
        settings: Settings,
        resources: Sequence[Resource],
        account_id: str | None = None,
    ) -> None:
        settings.scopes = settings.scopes or sorted({each.scope for each in resources})
        self.settings = settings
        self.clock = Clock()
        self.journal = Journal()
        self.limiter = Limiter(settings)
        self.router = Router(resources)
        self.commands = Commands(self)
        self._resources = resources
        self._prefix = f"/{account_id}/" if account_id else None
        self._at_first = msgspec.to_builtins(settings)
        self._begin(firm)

    def _begin(self, firm: Firm) -> None:
        self.authority = Authority(self.settings, self.clock)
        self.faults = Faults()
        self.scripts = Scripts()
        self.hostility = Weather(self)
        self.store = Store(firm, self.clock, self._resources)
        self.handler = Handler(self.store, self.settings)
        self.change({})

    def reset(self, size: dict[str, Any]) -> None:
        """Begin again as at the start, with a firm that may differ in some of its properties."""
        self.settings.patch(self._at_first)
        self.limiter.refill()
        self.journal.reset()
        self._begin(dataclasses.replace(self.store.firm, **size))

    def change(self, settings: dict[str, Any]) -> None:
        """Change some settings and make them felt."""
        self.settings.patch(settings)
        self.handler.forget()
        self.clock.offset_seconds = self.settings.clock_offset_seconds
        if {"rate", "burst"} & settings.keys():
            self.limiter.refill()

    def leap(self, seconds: float) -> None:
        """Put the clock forward."""
        self.settings.clock_offset_seconds += seconds
        self.clock.offset_seconds = self.settings.clock_offset_seconds

    def strip_account(self, path: str) -> tuple[str, bool]:
        """A path without its account, and whether it had one."""
        if self._prefix is not None and path.startswith(self._prefix):
            return path[len(self._prefix) - 1 :], True
        return path, False

    def with_account(self, body: bytes) -> bytes:
        """A body whose links carry the account."""
        url = self.store.firm.url
        return body.replace(f'"{url}/'.encode(), f'"{url}{self._prefix}'.encode())
