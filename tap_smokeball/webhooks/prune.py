"""The command ``prune``: deletes old events."""

from __future__ import annotations

import click

from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.engine import InboxDatabase
from tap_smokeball.inbox.prune import prune_events
from tap_smokeball.webhooks.options import inbox_option


@click.command()
@inbox_option
@click.option(
    "--keep-days",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="Age in days that events may reach.",
)
def prune(inbox: str, keep_days: int) -> None:
    """Delete events that are older than --keep-days, except the newest of each firm.

    A tap that had not read them yet makes a full pass.
    """
    database = InboxDatabase(inbox, is_created=True)
    try:
        deleted = prune_events(database, keep_days * dotnet_ticks.PER_DAY)
    finally:
        database.close()
    click.echo(f"Deleted events: {deleted:,}", err=True)
