"""The command ``unsubscribe``: deletes the subscription of a firm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tap_smokeball.api.subscription_changes import WRITE_SCOPE, delete_subscription
from tap_smokeball.errors import AccessDeniedError, NotFoundError, SmokeballError
from tap_smokeball.inbox.subscriptions import Subscriptions
from tap_smokeball.webhooks.firm_options import firm_options, open_firm

if TYPE_CHECKING:
    from typing import IO

    from tap_smokeball.singer.sdk_compat import ConfigInput


@click.command()
@firm_options
def unsubscribe(
    *, config: ConfigInput, catalog: IO[str] | None, inbox: str | None, firm: str | None
) -> None:
    """Delete the webhook subscription of a firm at Smokeball, and its key in the inbox."""
    with open_firm(config, catalog, inbox, firm) as opened, Subscriptions(opened.inbox) as stored:
        own = [each for each in stored.find(opened.name) if each.client_id == opened.client_id]
        for each in own:
            try:
                delete_subscription(opened.client, each.id)
            except NotFoundError:
                result = "no longer existed"
            except AccessDeniedError:
                raise SmokeballError(
                    f"403: the app lacks the scope {WRITE_SCOPE}; the subscription {each.id} and "
                    "its key are not deleted",
                    "Grant it and sign in again, or delete it by hand and repeat the command",
                ) from None
            else:
                result = "is deleted"
            stored.remove(opened.name, each.id)
            click.echo(f"The subscription {each.id} {result}. Its key is deleted.", err=True)
        if not own:
            click.echo(f"The inbox knows no subscription of the firm {opened.name}.", err=True)
