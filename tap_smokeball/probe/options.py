"""The options of the command line."""

from __future__ import annotations

import click

DEFAULT_PROBE_REPORT = "smokeball-probe.json"


def probe_options() -> list[click.Option]:
    """Return the options of the probe."""
    return [
        click.Option(
            ["--probe"],
            is_flag=True,
            help="Ask the account what is not documented of the API, by at most 200 reads, then "
            "exit.",
        ),
        click.Option(
            ["--probe-report"],
            default=DEFAULT_PROBE_REPORT,
            show_default=True,
            help="File for the answers of --probe, which holds no data of the firm.",
        ),
    ]
