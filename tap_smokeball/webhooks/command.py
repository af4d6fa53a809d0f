"""The group of commands. A command is a module of its own, imported when it runs."""

from __future__ import annotations

import importlib
import sys
from typing import NamedTuple, cast

import click

from tap_smokeball.errors import SmokeballError

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override


class _Command(NamedTuple):
    """Where a command is, as ``module:name``, and its line of the group's help."""

    target: str
    help: str


COMMANDS = {
    "serve": _Command("tap_smokeball.webhooks.serve:serve", "Receive webhooks and store events."),
    "subscribe": _Command(
        "tap_smokeball.webhooks.subscribe:subscribe", "Create or update a firm's subscription."
    ),
    "status": _Command(
        "tap_smokeball.webhooks.status:status", "Show the subscription, events and readers."
    ),
    "test": _Command("tap_smokeball.webhooks.delivery_test:test", "Send and await a test event."),
    "unsubscribe": _Command(
        "tap_smokeball.webhooks.unsubscribe:unsubscribe", "Delete a firm's subscription."
    ),
    "prune": _Command("tap_smokeball.webhooks.prune:prune", "Delete old events."),
    "due": _Command("tap_smokeball.webhooks.due:due", "List the firms that need a run."),
    "fleet-status": _Command(
        "tap_smokeball.webhooks.fleet_status:fleet_status", "Show all firms, for monitoring too."
    ),
    "run-failed": _Command(
        "tap_smokeball.webhooks.run_failed:run_failed", "Record that a run failed."
    ),
    "exclusive": _Command(
        "tap_smokeball.webhooks.exclusive:exclusive", "Run a command unless it runs already."
    ),
}


class _LazyGroup(click.Group):
    """Imports a command when it runs, so that each needs only its own packages."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].target.partition(":")
        return cast("click.Command", getattr(importlib.import_module(module), name))

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in COMMANDS.items()])

    @override
    def invoke(self, ctx: click.Context) -> object:
        """Run the command. An expected error is printed in one line; the exit status is 1."""
        try:
            return super().invoke(ctx)
        except SmokeballError as error:
            click.echo(str(error), err=True)
            ctx.exit(1)


@click.group(cls=_LazyGroup)
def webhooks() -> None:
    """Receive Smokeball's webhooks, and manage the subscription to them."""
