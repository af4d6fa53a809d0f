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


def state_digest(stream_state: Mapping[str, Any]) -> str:
    """Return the hash of the state of a stream, as the tap's run summary has it."""
    text = json.dumps(stream_state, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def unsaved_streams(saved: Mapping[str, Any], summary: Mapping[str, Any]) -> list[str]:
    """Return the streams whose saved state is not the one that the run reported.

    Args:
        saved: The content of the state backend: ``{"singer_state": {"bookmarks": …}}``.
        summary: The tap's run summary.
    """
    state = saved.get("singer_state") or {}
    bookmarks = state.get("bookmarks") or {}
    return [
        name
        for name, stream in (summary.get("streams") or {}).items()
        if (digest := stream.get("state_digest"))
        and state_digest(bookmarks.get(name) or {}) != digest
    ]
