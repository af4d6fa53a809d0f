"""The files that the command line names besides the configuration: a state and a catalog."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import click
import msgspec
from singer_sdk.singerlib import Catalog

if TYPE_CHECKING:
    from typing import IO


def state(file: IO[str]) -> IO[str]:
    """Return the file, checked.

    Raises:
        click.BadParameter: It holds no Singer state.
    """
    text, value = _read("--state", file)
    bookmarks = value.get("bookmarks", {}) if isinstance(value, dict) else None
    if not isinstance(bookmarks, dict) or not all(
        isinstance(bookmark, dict) for bookmark in bookmarks.values()
    ):
        raise _bad("--state", "holds no Singer state. Give the last STATE that a target confirmed")
    return io.StringIO(text)


def catalog(file: IO[str]) -> IO[str]:
    """Return the file, checked.

    Raises:
        click.BadParameter: It holds no Singer catalog.
    """
    text, value = _read("--catalog", file)
    try:
        Catalog.from_dict(value)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _bad("--catalog", "holds no Singer catalog. Make one with --discover") from None
    return io.StringIO(text)


def _read(option: str, file: IO[str]) -> tuple[str, Any]:
    try:
        text = file.read()
        return text, msgspec.json.decode(text)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        raise _bad(option, "is not a file with one JSON object") from None


def _bad(option: str, problem: str) -> click.BadParameter:
    return click.BadParameter(problem, param_hint=f"'{option}'")
