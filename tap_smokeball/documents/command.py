"""The command ``tap-smokeball-documents``: what is in the storage of documents."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from tap_smokeball.documents.manifest import unreferenced_contents
from tap_smokeball.documents.storage import DocumentStorage
from tap_smokeball.errors import SmokeballError
from tap_smokeball.redaction import SECRETS

VARIABLE = "TAP_SMOKEBALL_DOCUMENTS"


@click.group()
def documents() -> None:
    """Look after the contents that the tap stored."""


@documents.command()
@click.option(
    "--url",
    envvar=f"{VARIABLE}_URL",
    required=True,
    help=f"The setting documents_url; by default {VARIABLE}_URL.",
)
def unreferenced(url: str) -> None:
    """List the path and the size of contents that no entry of the manifest refers to.

    Nothing is deleted. Run it while no tap runs: a run stores a content before its entry.
    """
    try:
        storage = DocumentStorage(url, _options())
        for path, size in unreferenced_contents(storage).items():
            click.echo(f"{path}\t{size}")
    except SmokeballError as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(1) from None


def _options() -> dict[str, Any]:
    """Return the setting documents_options; only of the environment, as it may hold keys."""
    text = os.environ.get(f"{VARIABLE}_OPTIONS") or "{}"
    SECRETS.add(text)
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise click.UsageError(f"{VARIABLE}_OPTIONS takes a JSON object")
    for value in options.values():
        SECRETS.add(value if isinstance(value, str) else None)
    return options
