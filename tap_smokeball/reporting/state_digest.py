"""What the run summary says of the state, so that the saved one can be compared with it.

Orchestrators merge states, and keys that a run removed may come back. So each value has a hash of
its own, and only those that the run has count.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OBJECTS = frozenset({"events", "resume", "last_read", "changes_read"})
"""Entries whose own values count. Others hold ids of records."""

_DIGITS = 12


def state_digest(stream_state: Mapping[str, Any]) -> dict[str, str]:
    """Return a hash of each single value in the state of a stream, by its path."""
    return {
        path: hashlib.sha256(json.dumps(value).encode()).hexdigest()[:_DIGITS]
        for path, value in sorted(_single_values(stream_state))
    }


def _single_values(entries: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in entries.items():
        if isinstance(value, (str, int)):
            yield f"{prefix}{name}", value
        elif isinstance(value, dict) and name in _OBJECTS and not prefix:
            yield from _single_values(value, f"{name}.")
