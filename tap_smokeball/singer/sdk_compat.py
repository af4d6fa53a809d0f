"""Every private member of the Singer SDK that the tap uses, with the reason.

``tests/test_sdk_compat.py`` fails when the SDK changes one of them. All else is public API.

1. ``singer_sdk.streams._state.StreamStateManager``: the class behind the public property
   ``Stream.state_manager``. Its documentation invites subclasses, but it has no public module.
2. ``Stream._sync_records``: the loop over the records of a stream. The SDK passes each record
   through a dozen methods that keep partitions, move bookmarks and conform types, which takes
   three times as long as the tap's own work. There is no public hook around the loop.
3. ``singer_sdk.plugin_base._ConfigInput``: what the command line makes of ``--config``, and passes
   to the public methods ``Tap.invoke`` and ``Tap.cb_test``.
"""

from __future__ import annotations

import abc
import sys
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.plugin_base import _ConfigInput as ConfigInput
from singer_sdk.streams._state import StreamStateManager

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Generator

    from singer_sdk.helpers import types

__all__ = [
    "ACTIVATE_VERSION_SETTING",
    "ConfigInput",
    "RecordLoopStream",
    "StreamStateManager",
]

# singer-sdk 0.54 reads `emit_activate_version_messages` without declaring it.
ACTIVATE_VERSION_SETTING = {
    "type": ["boolean", "null"],
    "default": False,
    "title": "Emit `ACTIVATE_VERSION` messages",
    "description": "Whether to emit `ACTIVATE_VERSION` messages. If set to `True`, the tap will "
    "emit `ACTIVATE_VERSION` messages for each stream.",
}


class RecordLoopStream(Stream, abc.ABC):
    """A stream with a record loop of its own."""

    @abc.abstractmethod
    def sync_records(self, *, write_messages: bool) -> Generator[dict[str, Any], Any, Any]:
        """Yield the records of the stream, and write them unless a batch takes them."""

    @override
    def _sync_records(
        self,
        context: types.Context | None = None,
        *,
        write_messages: bool = True,
    ) -> Generator[dict[str, Any], Any, Any]:
        return self.sync_records(write_messages=write_messages)
