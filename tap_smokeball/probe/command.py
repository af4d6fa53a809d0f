"""``--probe``: runs the probe, and prints its report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tap_smokeball.probe import runner
from tap_smokeball.sync.base_stream import SmokeballStream

if TYPE_CHECKING:
    from singer_sdk import Tap

    from tap_smokeball.session import Session


def run(tap: Tap, session: Session, path: str) -> None:
    """Ask all questions, print the table, and say what can be done with the file.

    Raises:
        ProbeReportError: The file cannot be used.
        RunInterruptedError: A signal came; the next probe resumes.
    """
    streams = {n: each for n, each in tap.streams.items() if isinstance(each, SmokeballStream)}
    where = f"{tap.config['region']}, {tap.config['environment']}"
    report = runner.run(session, streams, where, Path(path))
    click.echo(report.table())
    click.echo(
        f"\nThe file {Path(path).name} holds the same answers: counts, kinds and times, and no "
        f"data of the firm. Read it, then attach it to an issue of the project tap-smokeball."
    )
