"""``--probe``: runs the probe, and prints its report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tap_smokeball.probe import runner
from tap_smokeball.sync.base_stream import SmokeballStream

if TYPE_CHECKING:
    from singer_sdk import Tap

    from tap_smokeball.session import Session


def run(tap: Tap, session: Session, path: str, *, is_json: bool = False) -> None:
    """Ask all questions, print the table, and say what can be done with the file.

    Args:
        tap: Has the streams and the settings.
        session: What the streams share.
        path: Path of the report.
        is_json: Print the content of the file as one line instead.

    Raises:
        ProbeReportError: The file cannot be used.
        RunInterruptedError: A signal came; the next probe resumes.
    """
    streams = {n: each for n, each in tap.streams.items() if isinstance(each, SmokeballStream)}
    where = f"{tap.config['region']}, {tap.config['environment']}"
    report = runner.run(session, streams, where, Path(path))
    if is_json:
        click.echo(json.dumps(report.as_json()))
        return
    click.echo(report.table())
    click.echo(
        f"\nThe file {Path(path).name} holds the same answers: counts, kinds and times, and no "
        f"data of the firm. Read it, then attach it to an issue of the project tap-smokeball."
    )
