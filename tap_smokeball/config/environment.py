"""Settings of the environment, and of the ``.env`` file."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import find_dotenv, load_dotenv

from tap_smokeball.config.private_files import distrust

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MELTANO_PREFIX = "MELTANO_EXTRACT_"
"""Prefix under which Meltano passes the settings and extras of the extractor that it runs."""

OTHER_VARIABLES = ("LOGLEVEL",)
"""Variables with the tap's prefix that are no settings."""

MIN_PREFIX_LENGTH = len("TAP_SMOK")
"""Part of the prefix that tells the variables of the tap, misspelled or not, from others."""


def find_env_file() -> Path | None:
    """Return the ``.env`` file of the current folder, or else of the nearest one above."""
    path = find_dotenv(usecwd=True)
    return Path(path) if path else None


def load_env_file() -> list[str]:
    """Add the variables of the ``.env`` file to the environment, and return its errors."""
    path = find_env_file()
    if path is None:
        return []
    if problem := distrust(path):
        advice = "Delete it, or create a .env of your own in this folder"
        return [f"{path}: {problem}, so the tap does not read it. {advice}"]
    load_dotenv(path)
    return []


def from_environment(schema: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """Return the settings of environment variables, as text."""
    values = {name: os.environ.get(prefix + name.upper()) for name in schema["properties"]}
    return {name: text for name, text in values.items() if text is not None}


def is_run_by_meltano(prefix: str) -> bool:
    """Return whether Meltano runs the tap: it passes on its environment, also if ENV is no config.

    Args:
        prefix: Prefix of the tap's variables.
    """
    return f"{prefix}_SELECT" in os.environ or f"{MELTANO_PREFIX}_SELECT" in os.environ


def unknown_variable_warnings(schema: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Yield a warning for each variable of the tap that names no setting, with the nearest one.

    Args:
        schema: The tap's settings together with those of the SDK.
        prefix: Prefix of the tap's variables.
    """
    known = {prefix + name.upper(): prop for name, prop in schema["properties"].items()}
    objects = tuple(f"{name}_" for name, prop in known.items() if "object" in prop.get("type", ()))
    for name in sorted(os.environ):
        if name in known or not _is_meant_for_tap(name, prefix):
            continue
        if not name.startswith(prefix):
            if near := get_close_matches(name.upper(), known, n=1, cutoff=0.9):
                yield f"{name}: no such setting, ignored; did you mean {near[0]}?"
            continue
        bare = name.removeprefix(prefix)
        if bare in OTHER_VARIABLES or name.startswith(objects) or _is_of_meltano(bare, schema):
            continue
        near = get_close_matches(bare.lower(), schema["properties"], n=1)
        hint = f"; did you mean {prefix}{near[0].upper()}?" if near else ""
        yield f"{name}: no such setting, ignored{hint}"


def _is_meant_for_tap(name: str, prefix: str) -> bool:
    """Return whether a variable has the tap's prefix, or one that is nearly it."""
    return name.upper().startswith((prefix, prefix[:MIN_PREFIX_LENGTH]))


def _is_of_meltano(name: str, schema: Mapping[str, Any]) -> bool:
    """Return whether a variable is one of Meltano's, which sets more than the tap reads.

    It passes on the extras of plugins, as ``_SELECT`` and ``_METADATA_FEES_SELECTED``, and the
    settings and extras of plugins that inherit from this one, as ``CORE_START_DATE`` and
    ``CORE__SELECT``. https://docs.meltano.com/guide/configuration describes them.

    Args:
        name: The name without the prefix.
        schema: The settings.
    """
    endings = tuple(f"_{setting.upper()}" for setting in schema["properties"])
    return name.startswith("_") or "__" in name or name.endswith(endings)
