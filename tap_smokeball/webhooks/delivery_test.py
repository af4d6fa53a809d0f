"""The command ``test``: asks Smokeball for an event and waits for it in the inbox."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from tap_smokeball.api.subscription_changes import WRITE_SCOPE, request_notification
from tap_smokeball.errors import AccessDeniedError, NotFoundError, SmokeballError
from tap_smokeball.inbox.reader import InboxReader
from tap_smokeball.inbox.subscriptions import Subscriptions
from tap_smokeball.webhooks.firm_options import firm_options, open_firm

if TYPE_CHECKING:
    from typing import IO

    from tap_smokeball.inbox.events import Position
    from tap_smokeball.singer.sdk_compat import ConfigInput

TEST_EVENT = "noop"
_POLL_SECONDS = 0.2
_READ_ROWS = 1000


@click.command()
@firm_options
@click.option(
    "--timeout",
    type=click.IntRange(min=1),
    default=60,
    show_default=True,
    help="Seconds to wait for the event.",
)
def test(
    *,
    config: ConfigInput,
    catalog: IO[str] | None,
    inbox: str | None,
    firm: str | None,
    timeout: int,
) -> None:
    """Ask Smokeball to send a test event, and wait until it is in the inbox."""
    with open_firm(config, catalog, inbox, firm) as opened:
        with Subscriptions(opened.inbox) as stored:
            found = stored.find(opened.name)
        own = [each.id for each in found if each.client_id == opened.client_id]
        if not own:
            raise SmokeballError(
                f"the inbox knows no subscription of the firm {opened.name}", "Run subscribe first"
            )
        with InboxReader(opened.inbox, opened.name) as reader:
            position, began_at = reader.newest(), time.monotonic()
            try:
                request_notification(opened.client, own[0])
            except AccessDeniedError:
                raise SmokeballError(
                    f"403: the app lacks the scope {WRITE_SCOPE}",
                    "Grant it and sign in again, or wait for a change in Smokeball and run status",
                ) from None
            except NotFoundError:
                reader.record_subscription_check(own[0], is_alive=False)
                raise SmokeballError(
                    f"the subscription {own[0]} no longer exists", "Run subscribe again"
                ) from None
            if not _has_arrived(reader, position, began_at + timeout):
                raise SmokeballError(
                    f"no test event arrived within {timeout} s",
                    "Check that the receiver runs with this inbox, that its URL can be reached "
                    "from the internet, and its metric of refused deliveries",
                )
        seconds = time.monotonic() - began_at
    click.echo(f"The test event arrived after {seconds:.1f} s.", err=True)


def _has_arrived(reader: InboxReader, position: Position, ends_at: float) -> bool:
    while True:
        for event in reader.events_after(position, _READ_ROWS):
            if event.type == TEST_EVENT:
                return True
            position = event.position
        if time.monotonic() >= ends_at:
            return False
        time.sleep(_POLL_SECONDS)
