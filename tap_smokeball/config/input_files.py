"""The files of the command line: configuration, state and catalog."""

from __future__ import annotations

import codecs
from io import TextIOWrapper
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import click
import msgspec
from singer_sdk.exceptions import ConfigValidationError
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
            merged |= _decode_json(Path(path).read_bytes())
        return merged
    return dict(config or {})


def read_state(file: IO[str]) -> dict[str, Any]:
    """Return the state of a file.

    Raises:
        click.BadParameter: It holds no Singer state.
    """
    try:
        return unwrap_state(_decode("--state", file))
    except ValueError as error:
        raise _bad_parameter("--state", str(error)) from None


def unwrap_state(value: Any) -> dict[str, Any]:
    """Return the state in a STATE message, in the output of ``meltano state get``, or as it is.

    Raises:
        ValueError: It is no Singer state. To read everything again because of that would be wrong.
    """
    state = value
    while isinstance(state, dict) and "bookmarks" not in state:
        if state.get("type") == "STATE" and "value" in state:
            state = state["value"]
        elif state.keys() == {"singer_state"}:
            state = state["singer_state"]
        elif not state:
            return {}
        else:
            break
    bookmarks = state.get("bookmarks") if isinstance(state, dict) else None
    if not isinstance(bookmarks, dict) or not all(
        isinstance(bookmark, dict) for bookmark in bookmarks.values()
    ):
        raise ValueError(
            'holds no Singer state: it has no "bookmarks" with an object for each stream. Pass the '
            "last STATE that a target confirmed, or the output of `meltano state get`; to read "
            "everything again, pass no state"
        )
    return dict(state)


def check_state(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state that a program passes, unwrapped.

    Raises:
        ConfigValidationError: It is no Singer state.
    """
    try:
        return unwrap_state(state)
    except ValueError as error:
        raise ConfigValidationError("bad state", errors=[f"state {error}"], schema={}) from None


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
        content = file.buffer.read() if isinstance(file, TextIOWrapper) else file.read().encode()
        return _decode_json(content)
    except (OSError, UnicodeError, msgspec.DecodeError):
        raise _bad_parameter(option, "is not a file with one JSON object") from None


def _decode_json(content: bytes) -> Any:
    # Editors of Windows begin a file with a byte order mark, and its PowerShell writes UTF-16.
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return msgspec.json.decode(content.decode("utf-16" if is_utf_16 else "utf-8-sig"))


def _bad_parameter(option: str, problem: str) -> click.BadParameter:
    return click.BadParameter(problem, param_hint=f"'{option}'")
