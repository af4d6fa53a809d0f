"""The command ``subscribe``: creates or updates the subscription of a firm."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from tap_smokeball.api.subscription_changes import WRITE_SCOPE
from tap_smokeball.api.subscriptions import READ_SCOPE, list_event_types
from tap_smokeball.config.validation import url_problem
from tap_smokeball.errors import AccessDeniedError, SmokeballError
from tap_smokeball.inbox.subscriptions import Subscriptions, new_key
from tap_smokeball.redaction import SECRETS
from tap_smokeball.webhooks.firm_options import Firm, firm_options, open_firm
from tap_smokeball.webhooks.subscriber import (
    ManualChangeError,
    Subscriber,
    WantedSubscription,
)

if TYPE_CHECKING:
    from typing import IO

    from tap_smokeball.singer.sdk_compat import ConfigInput

_SHORTEST_KEY = 16


@click.command()
@firm_options
@click.option("--url", required=True, help="URL of the receiver: https://…/webhooks/FIRM.")
@click.option("--rotate-key", is_flag=True, help="Replace the key of the signatures.")
@click.option(
    "--subscription-id",
    metavar="ID",
    help="Register a subscription that was created by hand. The command prompts for its key, or "
    "reads it from standard input.",
)
@click.option(
    "--show-key",
    is_flag=True,
    help="Print a key that is to be entered by hand, also if standard output is no terminal.",
)
def subscribe(  # noqa: PLR0913 - one argument for each option
    *,
    config: ConfigInput,
    catalog: IO[str] | None,
    inbox: str | None,
    firm: str | None,
    url: str,
    rotate_key: bool,
    subscription_id: str | None,
    show_key: bool,
) -> None:
    """Create or update the webhook subscription of a firm.

    It gets all events that the selected streams can use. Run the command again after a change of
    the selection, and after a new sign-in: Smokeball removes a subscription together with the
    refresh token that created it.
    """
    if problem := url_problem(url):
        raise click.BadParameter(problem, param_hint="'--url'")
    with open_firm(config, catalog, inbox, firm) as opened, Subscriptions(opened.inbox) as stored:
        if not url.rstrip("/").endswith(f"/webhooks/{opened.name}"):
            _echo(
                f"Warning: the receiver serves /webhooks/{opened.name}. Check --url and --firm, "
                "unless a proxy changes the path."
            )
        wanted = WantedSubscription(opened.name, opened.client_id, url, opened.event_types)
        try:
            wanted = replace(wanted, event_types=_available_types(opened))
            if not subscription_id:
                subscriber = Subscriber(opened.client, stored, wanted)
                _echo(subscriber.subscribe(should_rotate_key=rotate_key))
        except AccessDeniedError:
            if not subscription_id:
                _explain(READ_SCOPE, wanted, ManualChangeError(None, new_key()), show_key=show_key)
                raise click.exceptions.Exit(1) from None
        except ManualChangeError as change:
            _explain(WRITE_SCOPE, wanted, change, show_key=show_key)
            raise click.exceptions.Exit(1) from None
        if subscription_id:
            _register(stored, wanted, subscription_id)
    _echo(f"Verify it: tap-smokeball-webhooks test --firm {opened.name}")


def _available_types(firm: Firm) -> frozenset[str]:
    """Return the event types that the selected streams can use and Smokeball offers.

    Raises:
        AccessDeniedError: The app may not read what event types exist.
        SmokeballError: No selected stream has events.
    """
    available = frozenset(list_event_types(firm.client))
    types = firm.event_types & available
    if not types:
        raise SmokeballError(
            "no selected stream has webhook events", "Select other streams, or poll these"
        )
    if missing := sorted(firm.event_types - available):
        _echo(f"Event types that Smokeball does not offer: {', '.join(missing)}")
    if polled := firm.polled_streams:
        _echo(f"Streams without events, to be polled: {', '.join(polled)}")
    return types


def _register(stored: Subscriptions, wanted: WantedSubscription, id_: str) -> None:
    """Save a subscription that was created by hand, with its key.

    Raises:
        SmokeballError: The key is too short.
    """
    if sys.stdin.isatty():
        key = click.prompt("Key of the subscription (hidden)", hide_input=True, err=True)
    else:
        key = sys.stdin.readline()
    key = key.strip()
    SECRETS.add(key)
    if len(key) < _SHORTEST_KEY:
        raise SmokeballError(
            f"the key has less than {_SHORTEST_KEY} characters", "Enter a longer one"
        )
    stored.save(
        wanted.firm,
        id_,
        client_id=wanted.client_id,
        event_types=wanted.event_types,
        url=wanted.url,
        key=key,
    )
    _echo(f"Registered the subscription {id_}.")


def _explain(
    scope: str, wanted: WantedSubscription, change: ManualChangeError, *, show_key: bool
) -> None:
    """Print which scope is missing, and what to enter by hand instead."""
    _echo(
        f"403: the app lacks the scope {scope}. Grant it, sign in again and repeat the command. "
        f"Or have {'the subscription ' + change.id if change.id else 'a subscription'} of this app "
        f"{'changed' if change.id else 'created'} by hand, with these values:"
    )
    lines = {
        "name": wanted.name,
        "eventNotificationUrl": wanted.url,
        "eventTypes": ", ".join(sorted(wanted.event_types)),
    }
    can_show = show_key or sys.stdout.isatty()
    if can_show:
        lines["key"] = change.key
    for name, value in lines.items():
        click.echo(f"{name}: {value}")
    if not can_show:
        _echo("The key is not printed: standard output is no terminal. Pass --show-key.")
    if change.id is None:
        _echo("Then register it: repeat the command with --subscription-id ID.")


def _echo(text: str) -> None:
    click.echo(text, err=True)
