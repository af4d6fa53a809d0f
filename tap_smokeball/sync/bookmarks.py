"""What a stream remembers between runs: one watermark, and its place in an unfinished pass.

::

    {"replication_key": "extractedTicks",
     "replication_key_value": 638193848837974931,            the bookmark, as its column has it
     "visible": "9f86d081884c7d65",                           the view that it was read through
     "resume": {"watermark": 638193860000000000,              when the unfinished pass began
                "after": "b471682e-…",                        the last parent that is done
                "visible": "9f86d081884c7d65"},
     "caught_up": 638193860000000000}                         changes of parents that were followed

A full-table stream has no bookmark; ``complete`` says when its last complete pass began, so that
streams can take turns.

The SDK moves bookmarks as rows pass by. That loses rows here, since most rows carry no stamp and a
pass over thousands of matters can end anywhere. So rows move nothing: a bookmark moves when a
pass is complete, to the moment at which it began, and only then.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

# The class is public by its documentation, but has no public address.
from singer_sdk.streams._state import StreamStateManager

from tap_smokeball import dotnet_ticks

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from singer_sdk.helpers import types


@dataclass(frozen=True)
class Pass:
    """One reading of everything that a stream covers, over as many runs as it takes.

    Attributes:
        watermark: When it began, by the server's clock, in ticks. Rows that change later are the
            next pass's.
        after: The last parent that is done, or None at the start.
    """

    watermark: int
    after: str | None = None


class BookmarkManager(StreamStateManager):
    """The state of one stream."""

    @override
    def increment_state(
        self,
        latest_record: types.Record,
        *,
        context: types.Context | None = None,
        replication_key: str,
    ) -> None:
        """Do nothing: rows do not move the bookmark."""

    @override
    def write_starting_replication_value(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the bookmark itself is the starting value until a pass is complete."""

    @override
    def write_replication_key_signpost(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: bookmarks are capped where they are made."""

    @override
    def get_starting_replication_value(
        self,
        context: types.Context | None,
        replication_method: str,
    ) -> Any | None:
        """Return the bookmark."""
        return self.stream_state.get("replication_key_value")

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of all that is remembered, for `restore`."""
        return copy.deepcopy(dict(self.stream_state))

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Remember what was remembered then, and nothing since."""
        self.stream_state.clear()
        self.stream_state.update(snapshot)
        self.is_flushed = False

    def bookmark(self, visible: str) -> int | None:
        """Return where the last complete pass began, in ticks, if it saw all that is visible now.

        Args:
            visible: A fingerprint of the settings that show or hide rows. If they changed, rows
                that were always there may have come into view, which no filter by date finds.
        """
        state = self.stream_state
        if state.get("visible") != visible:
            return None
        return dotnet_ticks.of_stamp(state.get("replication_key_value"))

    def last_pass(self, visible: str) -> int:
        """Return when the last complete pass began, in ticks; 0 if there was none.

        Args:
            visible: As for `bookmark`.
        """
        return max(
            dotnet_ticks.parse(self.stream_state.get("complete")) or 0,
            self.bookmark(visible) or 0,
        )

    def begin(self, watermark: int, visible: str) -> Pass:
        """Return the pass to work on: the unfinished one, or a new one.

        Args:
            watermark: The server's clock in ticks when this run began to read.
            visible: As for `bookmark`; a pass through another view is not gone on with.
        """
        resume = self.stream_state.get("resume")
        if isinstance(resume, dict) and resume.get("visible") == visible:
            began, after = dotnet_ticks.parse(resume.get("watermark")), resume.get("after")
            if began is not None and began <= watermark and isinstance(after, str):
                return Pass(began, after)
        return Pass(watermark)

    def advance(self, work: Pass, after: str, visible: str) -> None:
        """Remember that all rows up to and with those of one parent were written."""
        self.stream_state["resume"] = {
            "watermark": work.watermark,
            "after": after,
            "visible": visible,
        }
        self.is_flushed = False

    def caught_up(self, work: Pass, visible: str) -> int | None:
        """Return from when on, in ticks, a changed parent has not yet been read ahead of a sweep.

        None if there is nothing to be ahead of: the first pass reads everything for the first time.

        Args:
            work: The pass at hand.
            visible: As for `bookmark`.
        """
        before = work.watermark if work.after else self.last_pass(visible)
        ahead = dotnet_ticks.parse(self.stream_state.get("caught_up")) or 0
        return max(before, ahead) if before else None

    def catch_up(self, changed: int) -> None:
        """Remember up to which change of parents, in ticks, what hangs below them was read."""
        self.stream_state["caught_up"] = changed
        self.is_flushed = False

    def complete(self, replication_key: str | None, value: int | str, visible: str) -> None:
        """Move the bookmark: everything up to it was written.

        Args:
            replication_key: Name of the bookmark's column, or None for a full-table stream.
            value: The moment in the form of that column; in ticks if there is none.
            visible: As for `bookmark`.
        """
        state = self.stream_state
        state.pop("resume", None)
        if (dotnet_ticks.parse(state.get("caught_up")) or 0) <= (dotnet_ticks.of_stamp(value) or 0):
            state.pop("caught_up", None)
        if replication_key:
            state["replication_key"] = replication_key
            state["replication_key_value"] = value
            state["visible"] = visible
        else:
            state["complete"] = value
        self.is_flushed = False
