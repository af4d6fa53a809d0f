"""The command ``due``: lists the firms that have something to do."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import click

from tap_smokeball import dotnet_ticks
from tap_smokeball.errors import SmokeballError
from tap_smokeball.inbox.due import KINDS, Intervals, find_due
from tap_smokeball.inbox.engine import InboxDatabase
from tap_smokeball.inbox.events import FIRM_NAME
from tap_smokeball.inbox.fleet import claim_firms, list_firms
from tap_smokeball.webhooks.options import inbox_option, reader_option

if TYPE_CHECKING:
    from typing import IO


@click.command()
@inbox_option
@reader_option
@click.option(
    "--poll-interval-minutes",
    type=click.FloatRange(min=0),
    default=0,
    help="As in the tap's settings. Default: no firm is due for a poll.",
)
@click.option(
    "--full-pass-interval-hours",
    type=click.FloatRange(min=0),
    default=0,
    help="As in the tap's settings. Default: no firm is due for a full pass.",
)
@click.option(
    "--closed-matters-interval-hours",
    type=click.FloatRange(min=0),
    default=0,
    help="As in the tap's settings. Default: that of full passes.",
)
@click.option(
    "--for",
    "kinds",
    type=click.Choice(KINDS),
    multiple=True,
    help="Reasons that count; repeat the option for several.  [default: all]",
)
@click.option(
    "--firms",
    type=click.File(encoding="utf-8"),
    help="File with the names of the firms, one in a line; - for standard input. Those that the "
    "inbox does not know are due.  [default: all firms of the inbox]",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="List at most so many firms, less those that run or are claimed.",
)
@click.option(
    "--claim-minutes",
    type=click.FloatRange(min=0),
    default=0,
    help="Do not list the listed firms again within this time, until their run has ended.",
)
def due(  # noqa: PLR0913 - one argument for each option
    *,
    inbox: str,
    reader: str,
    poll_interval_minutes: float,
    full_pass_interval_hours: float,
    closed_matters_interval_hours: float,
    kinds: tuple[str, ...],
    firms: IO[str] | None,
    limit: int | None,
    claim_minutes: float,
) -> None:
    """List the firms that have something to do, as JSON, the most urgent first."""
    intervals = Intervals(
        poll_ticks=round(poll_interval_minutes * 60 * dotnet_ticks.PER_SECOND),
        full_pass_ticks=_hours_to_ticks(full_pass_interval_hours),
        closed_pass_ticks=_hours_to_ticks(closed_matters_interval_hours),
    )
    names = _read_names(firms) if firms else None
    with closing(InboxDatabase(inbox, is_created=False)) as database:
        now, known = list_firms(database, reader, names)
        fleet = find_due(now, known, intervals, kinds or KINDS)
        found = fleet.due
        if limit is not None:
            found = found[: max(0, limit - len(fleet.busy))]
        if claim_minutes:
            names = [each.firm for each in found]
            claimed = claim_firms(database, reader, names, claim_minutes * 60)
            found = [each for each in found if each.firm in claimed]
    document = {
        "now": dotnet_ticks.to_iso_seconds(now),
        "due": [each.document(now) for each in found],
        "postponed": sorted({each.firm for each in fleet.due} - {each.firm for each in found}),
        "busy": fleet.busy,
        "delayed": fleet.delayed,
        "idle": len(fleet.idle),
    }
    click.echo(json.dumps(document))


def _hours_to_ticks(hours: float) -> int:
    return round(hours * 3600 * dotnet_ticks.PER_SECOND)


def _read_names(file: IO[str]) -> list[str]:
    names = file.read().split()
    if not all(map(FIRM_NAME.fullmatch, names)):
        raise SmokeballError("the list of firms holds a name that is not valid", "Correct --firms")
    return names
