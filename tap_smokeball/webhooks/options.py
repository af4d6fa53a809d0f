"""Options that several commands have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tap_smokeball.inbox.events import FIRM_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

INBOX_VARIABLE = "TAP_SMOKEBALL_WEBHOOK_INBOX"

inbox_option = click.option(
    "--inbox",
    envvar=INBOX_VARIABLE,
    required=True,
    help="URL of the inbox: sqlite:///path or postgresql://user:password@host/database. Set "
    f"{INBOX_VARIABLE} instead if it has a password: other users can see options.",
)


def _check_firm(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if not FIRM_NAME.fullmatch(value):
        raise click.BadParameter("must be 1 to 64 letters, digits, dots, hyphens or underscores")
    return value


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a firm and a reader."""
    firm = click.option(
        "--firm", required=True, callback=_check_firm, help="Name of the firm in the inbox."
    )
    return firm(reader_option(command))


reader_option = click.option(
    "--reader",
    default="default",
    show_default=True,
    help="Name of the reader, as in webhook_reader: one for each state of a firm.",
)
