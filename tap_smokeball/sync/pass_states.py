"""Where the state of a stream holds its full passes: one, or two if closed parents have their own.

A child stream of matters may read closed matters in a full pass of their own. Then the keys of the
stream itself (`tap_smokeball.sync.bookmarks`) are those of the other matters, and an object has the
same keys for the closed ones::

    {"replication_key_value": 638193848837974931, …,
     "closed_matters": {"replication_key_value": 638191256837974931, …}}

A bookmark that covers some parents must never be taken for one that covers all: rows would be lost.
So the view fingerprint of each pass depends on the parents that it covers. Whatever merges states,
downgrades the tap or removes the object makes the tap read too much, not too little.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOSED_MATTERS = "closed_matters"

LIVE, CLOSED = "live", "closed"


def pass_states(stream_state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the state of each full pass of a stream."""
    yield stream_state
    closed = stream_state.get(CLOSED_MATTERS)
    if isinstance(closed, dict):
        yield closed


def covered_view(view_fingerprint: str, covered: str) -> str:
    """Return the view fingerprint of a pass.

    Args:
        view_fingerprint: Hash of the settings that show or hide rows.
        covered: Which parents the pass covers; empty if all.
    """
    if not covered:
        return view_fingerprint
    return hashlib.sha256(f"{view_fingerprint} {covered}".encode()).hexdigest()[:16]
