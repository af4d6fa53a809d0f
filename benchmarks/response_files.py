"""Responses as files of a folder: one for the body of each path."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def response_file(folder: Path, path: str) -> Path:
    """Return the file with the body of a path, without its query."""
    return folder / path.partition("?")[0].strip("/").replace("/", "_")
