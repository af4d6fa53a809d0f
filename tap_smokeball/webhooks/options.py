"""Options that several commands have."""

from __future__ import annotations

import click

INBOX_VARIABLE = "TAP_SMOKEBALL_WEBHOOK_INBOX"

inbox_option = click.option(
    "--inbox",
    envvar=INBOX_VARIABLE,
    required=True,
    help="URL of the inbox: sqlite:///path or postgresql://user:password@host/database. Set "
    f"{INBOX_VARIABLE} instead if it has a password: other users can see options.",
)
