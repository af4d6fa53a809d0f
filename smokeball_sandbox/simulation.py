"""The state of a running sandbox, and its reset."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec

from smokeball_sandbox.auth import AuthorizationServer
from smokeball_sandbox.clock import TICKS_PER_SECOND, Clock
from smokeball_sandbox.deliveries import Deliveries
from smokeball_sandbox.event_publisher import EventPublisher
from smokeball_sandbox.faults import FaultInjector
from smokeball_sandbox.rate_limit import RateLimiter
from smokeball_sandbox.request_handler import RequestHandler
from smokeball_sandbox.request_log import RequestLog
from smokeball_sandbox.resources import Resource, Router
from smokeball_sandbox.scheduled_changes import Schedule
from smokeball_sandbox.store import Store
from smokeball_sandbox.subscriptions import Subscriptions
from smokeball_sandbox.webhook_endpoints import SCOPES, WebhookEndpoints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.resources import Change
    from smokeball_sandbox.settings import Settings


class Simulation:
    """The state of a sandbox.

    Each part is created once and gets the parts that it needs; a reset clears it in place.

    Args:
        firm: The firm whose data the sandbox serves.
        settings: The initial settings; no scopes means all scopes.
        resources: The resources to serve.
        account_id: Account id that may prefix paths.
    """

    def __init__(
        self,
        firm: Firm,
        settings: Settings,
        resources: Sequence[Resource],
        account_id: str | None = None,
    ) -> None:
        settings.scopes = settings.scopes or sorted({each.scope for each in resources} | SCOPES)
        self.settings = settings
        self.clock = Clock()
        self.request_log = RequestLog()
        self.rate_limiter = RateLimiter(settings)
        self.router = Router(resources)
        self.authorization = AuthorizationServer(settings, self.clock, lambda: self.store.firm)
        self.faults = FaultInjector()
        self.schedule = Schedule()
        self.store = Store(firm, self.clock, resources)
        self.request_handler = RequestHandler(self.store, settings)
        self.subscriptions = Subscriptions(self.clock, self.authorization)
        self.deliveries = Deliveries(settings, self.clock, self.subscriptions)
        self.events = EventPublisher(
            self.store, settings, self.subscriptions, self.deliveries, account_id
        )
        self.webhook_endpoints = WebhookEndpoints(self.store, self.subscriptions, self.events)
        self._prefix = f"/{account_id}/" if account_id else None
        self._initial_settings = msgspec.to_builtins(settings)
        self.change_settings({})

    def reset(self, firm_changes: dict[str, Any]) -> None:
        """Restore the initial state, with some properties of the firm changed."""
        self.settings.patch(self._initial_settings)
        self.rate_limiter.refill()
        self.request_log.reset()
        self.authorization.reset()
        self.faults.clear()
        self.schedule.clear()
        self.subscriptions.clear()
        self.deliveries.clear()
        self.store.reset(dataclasses.replace(self.store.firm, **firm_changes))
        self.change_settings({})

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Change some settings and apply them."""
        self.settings.patch(changes)
        self.request_handler.clear_cache()
        self.clock.offset_seconds = self.settings.clock_offset_seconds
        if {"rate", "burst"} & changes.keys():
            self.rate_limiter.refill()
        self.deliveries.wake()

    def advance_clock(self, seconds: float) -> None:
        """Move the clock forward."""
        self.settings.clock_offset_seconds += seconds
        self.clock.offset_seconds = self.settings.clock_offset_seconds
        self.deliveries.wake()

    def on_change(self, change: Change) -> None:
        """Publish the events of a change, and show it when the setting says so."""
        if self.settings.read_lag_seconds:
            lag = int(self.settings.read_lag_seconds * TICKS_PER_SECOND)
            self.store.show_later(change, self.clock.ticks() + lag)
        self._touch_matter(change)
        self.events.publish(change)

    def _touch_matter(self, change: Change) -> None:
        """Give the matter of a child record a new version, if the tenant does."""
        if self.settings.answers.matter_versions == "own" or change.resource.parent != "matters":
            return
        matters = self.store.resources["matters"]
        if change.row.parent and (matter := self.store.find(matters, change.row.parent)):
            self.store.touch(matters, matter, {})

    def strip_account(self, path: str) -> tuple[str, bool]:
        """Return a path without its account id, and whether it had one."""
        if self._prefix is not None and path.startswith(self._prefix):
            return path[len(self._prefix) - 1 :], True
        return path, False

    def add_account(self, body: bytes) -> bytes:
        """Return a body with the account id in its links."""
        url = self.store.firm.url
        return body.replace(f'"{url}/'.encode(), f'"{url}{self._prefix}'.encode())
