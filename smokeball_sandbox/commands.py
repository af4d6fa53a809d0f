"""The commands of the control endpoints; scheduled changes run them, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from smokeball_sandbox.auth import CLIENT_ID
from smokeball_sandbox.chaos import ChaosMonkey, ChaosRules
from smokeball_sandbox.faults import DOCUMENT_TEMPLATE, TOKEN_TEMPLATE, Fault
from smokeball_sandbox.row_commands import CommandError, RowCommands
from smokeball_sandbox.scheduled_changes import ScheduledChange
from smokeball_sandbox.webhook_endpoints import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Callable

    from smokeball_sandbox.resources import Data, Row
    from smokeball_sandbox.simulation import Simulation


class FirmChanges(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The arguments of "reset": properties of the firm that change."""

    matters: int | None = None
    fees: int | None = None
    exact_fees: bool | None = None
    seed: int | None = None


class NewSubscription(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The arguments of "subscribe"; by default the subscription receives all events."""

    url: str
    key: str | None = None
    name: str | None = None
    event_types: tuple[str, ...] | None = None
    client_id: str = CLIENT_ID


class Commands:
    """Everything that a test can do to the sandbox outside of the API.

    Attributes:
        rows: The commands that change rows.
        chaos: The chaos monkey that the command "chaos" starts.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        store, clock = simulation.store, simulation.clock
        self.rows = RowCommands(store, clock, simulation.on_change)
        self.chaos = ChaosMonkey(
            store, clock, simulation.authorization, self.rows, simulation.advance_clock
        )
        self._by_name: dict[str, Callable[[Data], Data]] = {
            "revoke": self._revoke,
            "fail": self._fail,
            "schedule": self._schedule,
            "settings": self._settings,
            "chaos": self._chaos,
            "reset": self._reset,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
        }

    def run(self, command: Data, list_rows: Callable[[], list[Row]] | None = None) -> Data:
        """Run a command.

        Args:
            command: Its name under ``command``, and its arguments.
            list_rows: Returns the list for ``position``; by default all rows by last update.

        Raises:
            CommandError: The command is unknown or invalid.
            msgspec.DecodeError: The arguments are invalid.
            UnknownRowError: The row does not exist.
        """
        name = str(command.get("command"))
        self._check_names({name})
        arguments = {key: value for key, value in command.items() if key != "command"}
        if name in self.rows.names:
            return self.rows.run(name, arguments, list_rows)
        return self._by_name[name](arguments)

    def _check_names(self, names: set[str]) -> None:
        known = {*self._by_name, *self.rows.names}
        if names <= known:
            return
        unknown, allowed = (", ".join(sorted(each)) for each in (names - known, known))
        raise CommandError(f"Unknown command: {unknown}. Use one of: {allowed}.")

    def _check_template(self, template: str) -> None:
        endpoints = {*self._simulation.router.templates, *TEMPLATES}
        known = endpoints | {TOKEN_TEMPLATE, DOCUMENT_TEMPLATE}
        if template not in known:
            raise CommandError(
                f"Unknown template: {template}. Use a method and path such as GET /matters."
            )

    def _revoke(self, arguments: Data) -> Data:
        self._simulation.authorization.revoke(refresh=bool(arguments.get("refresh")))
        return {}

    def _fail(self, arguments: Data) -> Data:
        fault = msgspec.convert(arguments, Fault)
        if fault.template is not None:
            self._check_template(fault.template)
        self._simulation.faults.add(fault)
        return {}

    def _schedule(self, arguments: Data) -> Data:
        change = msgspec.convert(arguments, ScheduledChange)
        self._check_template(change.template)
        self._check_names({str(each.get("command")) for each in change.commands})
        self._simulation.schedule.add(change)
        return {}

    def _chaos(self, arguments: Data) -> Data:
        rules = msgspec.convert(arguments, ChaosRules)
        for name in rules.resources:
            self.rows.resource(name)
        self.chaos.start(rules)
        return {}

    def _reset(self, arguments: Data) -> Data:
        changes: dict[str, Any] = msgspec.to_builtins(msgspec.convert(arguments, FirmChanges))
        self._simulation.reset(changes)
        self.chaos.reset()
        return {}

    def _subscribe(self, arguments: Data) -> Data:
        simulation = self._simulation
        parsed = msgspec.convert(arguments, NewSubscription)
        types = simulation.events.types() if parsed.event_types is None else parsed.event_types
        subscription = simulation.subscriptions.add(
            parsed.client_id,
            None,
            name=parsed.name,
            event_types=types,
            url=parsed.url,
            key=parsed.key,
        )
        return subscription.record(simulation.store.firm.url, simulation.events.account_id())

    def _unsubscribe(self, arguments: Data) -> Data:
        subscriptions, id_ = self._simulation.subscriptions, arguments.get("id")
        if id_ is None:
            subscriptions.clear()
        else:
            subscriptions.remove(id_)
        return {}

    def _settings(self, arguments: Data) -> Data:
        self._simulation.change_settings(arguments)
        settings: Data = msgspec.to_builtins(self._simulation.settings)
        return settings
