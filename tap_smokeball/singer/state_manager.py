"""The state of a stream, which records do not move.

The SDK moves bookmarks with each record. `tap_smokeball.sync.bookmarks` says why that loses rows.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tap_smokeball.singer.sdk_compat import StreamStateManager

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from singer_sdk.helpers import types


class PassiveStateManager(StreamStateManager):
    """The state of one stream, which only the tap's own code changes."""

    @override
    def increment_state(
        self,
        latest_record: types.Record,
        *,
        context: types.Context | None = None,
        replication_key: str,
    ) -> None:
        """Do nothing: records do not move the bookmark."""

    @override
    def write_starting_replication_value(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the bookmark is the starting value until a pass is complete."""

    @override
    def write_replication_key_signpost(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: `NewestTimestamp` caps bookmarks."""

    @override
    def get_starting_replication_value(
        self,
        context: types.Context | None,
        replication_method: str,
    ) -> Any | None:
        """Return the bookmark."""
        return self.stream_state.get("replication_key_value")
