"""Compare the state that Meltano saved with what the tap reported.

Meltano exits with status 0 although it could not save the state. The next run would then read
everything again, run after run.

This module does not import Airflow.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


_DIGITS = 12


def unsaved_streams(saved: Mapping[str, Any], summary: Mapping[str, Any]) -> list[str]:
    """Return the streams whose saved state is not the one that the run reported.

    Meltano merges states, so the saved one may have more entries.

    Args:
        saved: The content of the state backend: ``{"singer_state": {"bookmarks": …}}``.
        summary: The tap's run summary. Its ``state_digest`` has a hash of each value, by path.
    """
    state = saved.get("singer_state") or {}
    bookmarks = state.get("bookmarks") or {}
    return [
        name
        for name, stream in (summary.get("streams") or {}).items()
        if any(
            _hash_at(bookmarks.get(name) or {}, path) != digest
            for path, digest in (stream.get("state_digest") or {}).items()
        )
    ]


def _hash_at(entries: Mapping[str, Any], path: str) -> str:
    value: Any = entries
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:_DIGITS]
