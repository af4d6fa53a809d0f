"""The command ``run-failed``: records that a run failed which the tap did not survive."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import click

from tap_smokeball.errors import SmokeballError
from tap_smokeball.inbox.engine import InboxDatabase
from tap_smokeball.inbox.runs import RunFailure, RunLog
from tap_smokeball.webhooks.options import inbox_option, run_options

if TYPE_CHECKING:
    from typing import IO


@click.command("run-failed")
@inbox_option
@run_options
@click.argument("failure", type=click.File(encoding="utf-8"), default="-")
def run_failed(inbox: str, firm: str, reader: str, failure: IO[str]) -> None:
    """Record that a run failed: the loader crashed, or the state was not saved.

    FAILURE is a file, or standard input, with a JSON object: error, stream, reason, advice,
    is_permanent, as in the run summary. The firm is due again after a delay.
    """
    try:
        values = json.load(failure)
        found = RunFailure(**values)
    except (ValueError, TypeError):
        raise SmokeballError("the failure is not the JSON object of a run summary") from None
    with closing(InboxDatabase(inbox, is_created=False)) as database:
        RunLog(database, firm, reader).record_failure(found)
