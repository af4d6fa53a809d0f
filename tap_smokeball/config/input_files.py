"""The files of the command line: configuration, state and catalog."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import click
import msgspec
from singer_sdk.singerlib import Catalog

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO


def read_config(
    config: Mapping[str, Any] | PurePath | str | list[PurePath | str] | None,
) -> dict[str, Any]:
    """Return a configuration as a dictionary of its own.

    Args:
        config: The configuration, a path of a JSON file, or several; later files win.
    """
    if isinstance(config, (PurePath, str)):
        config = [config]
    if isinstance(config, list):
        merged: dict[str, Any] = {}
        for path in config:
            merged |= msgspec.json.decode(Path(path).read_bytes())
        return merged
    return dict(config or {})


def read_state(file: IO[str]) -> dict[str, Any]:
    """Return the state of a file.

    Raises:
        click.BadParameter: It holds no Singer state.
    """
    state = _decode("--state", file)
    bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else None
    if not isinstance(bookmarks, dict) or not all(
        isinstance(bookmark, dict) for bookmark in bookmarks.values()
    ):
        raise _bad_parameter(
            "--state", "holds no Singer state. Pass the last STATE that a target confirmed"
        )
    return dict(state)


def read_catalog(file: IO[str]) -> dict[str, Any]:
    """Return the catalog of a file.

    Raises:
        click.BadParameter: It holds no Singer catalog.
    """
    catalog = _decode("--catalog", file)
    try:
        Catalog.from_dict(catalog)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _bad_parameter(
            "--catalog", "holds no Singer catalog. Make one with --discover"
        ) from None
    return dict(catalog)


def _decode(option: str, file: IO[str]) -> Any:
    try:
        return msgspec.json.decode(file.read())
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        raise _bad_parameter(option, "is not a file with one JSON object") from None


def _bad_parameter(option: str, problem: str) -> click.BadParameter:
    return click.BadParameter(problem, param_hint=f"'{option}'")
