"""Settings of the environment, and of the ``.env`` file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import find_dotenv, load_dotenv

from tap_smokeball.config.private_files import distrust

if TYPE_CHECKING:
    from collections.abc import Mapping


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
