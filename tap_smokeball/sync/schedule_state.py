"""What the state of a stream holds for the schedule, beside its bookmark.

The keys exist only if events are read or an interval is set::

    {"events": {"seq": 4711,                     the last row of the inbox that was acted on
                "mark": 6917529027641081856,     its random number
                "is_covered": true,              whether the subscription has the stream's events
                "gap_seq": 4715,                 the last row that made a full pass due
                "gap_mark": 2305843009213693952},
     "full_pass_due": {"since": 638193860000000000,    when a gap was found
                       "pass_started": 638193861…,     the last pass that started after that
                       "closed_pass_started": …},      the same over closed parents
     "last_read": {"started": 638193860000000000,      when the last complete read started
                   "from_bookmark": 638193860000000000,
                   "view_fingerprint": "9f86d081884c7d65"},
     "unread_retried": 638193861000000000,       when unread parents were retried between passes
     "changes_read": {"until": 638193861000000000,     changed parents up to here were written
                      "from_bookmark": 638193860000000000,
                      "view_fingerprint": "9f86d081884c7d65"}}

``last_read`` belongs to top-level streams, whose bookmark may come from their rows;
``changes_read`` to parent streams. Both count only together with the bookmark that they were
written with, so that no merge of an old and a new state can skip a read.

Nothing here relies on a key that is removed, since a merge of states may bring it back:
``full_pass_due`` counts until a later pass is complete.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.events import START, Position

if TYPE_CHECKING:
    from tap_smokeball.sync.bookmarks import BookmarkManager


_START_KEYS = {False: "pass_started", True: "closed_pass_started"}
"""Keys of the start of the last pass that began after a gap: of all or live parents, of closed."""


class ScheduleState:
    """What the schedule remembers of one stream.

    Args:
        bookmarks: The state of the stream.
    """

    def __init__(self, bookmarks: BookmarkManager) -> None:
        self._bookmarks = bookmarks

    @property
    def position(self) -> Position | None:
        """How far the events were acted on; None before the first time."""
        entry = self._entry("events")
        return _position(entry.get("seq"), entry.get("mark"))

    def move_position(self, position: Position) -> None:
        """Remember that the events up to a position were acted on."""
        if position != self.position:
            self._set("events", {**self._entry("events"), **asdict(position)})

    @property
    def gap_position(self) -> Position:
        """The last row of the inbox that made a full pass due; its start if there was none."""
        entry = self._entry("events")
        return _position(entry.get("gap_seq"), entry.get("gap_mark")) or START

    def require_full_pass(self, now: int, gap: Position | None) -> None:
        """Let a full pass be due until one is complete that starts after this.

        Args:
            now: This machine's clock in ticks.
            gap: The row of the inbox that asks for it; None if it is not about the inbox.
        """
        self._set("full_pass_due", {"since": now, "pass_started": None})
        if gap is not None:
            row = {"gap_seq": gap.seq, "gap_mark": gap.mark}
            self._set("events", {**self._entry("events"), **row})

    @property
    def was_covered(self) -> bool:
        """Whether the subscription had the events of the stream in the last run."""
        return self._entry("events").get("is_covered") is not False

    def set_covered(self, *, is_covered: bool) -> None:
        """Remember whether the subscription has the events of the stream."""
        if self._entry("events").get("is_covered") is not is_covered:
            self._set("events", {**self._entry("events"), "is_covered": is_covered})

    def is_full_pass_due(self, last_completed: int, *, is_closed: bool = False) -> bool:
        """Return whether a gap makes a full pass due.

        The pass that suffices is known by its own start: clocks differ from run to run.

        Args:
            last_completed: Ticks at which the last complete pass started.
            is_closed: Whether it is the full pass over closed parents.
        """
        entry = self._entry("full_pass_due")
        since = dotnet_ticks.parse(entry.get("since")) or 0
        return since > last_completed and entry.get(_START_KEYS[is_closed]) != last_completed

    def start_full_pass(self, started: int, *, is_closed: bool = False) -> None:
        """Remember that a full pass starts now.

        Args:
            started: The pass's own start in ticks.
            is_closed: Whether it is the full pass over closed parents.
        """
        if entry := self._entry("full_pass_due"):
            self._set("full_pass_due", {**entry, _START_KEYS[is_closed]: started})

    @property
    def last_read(self) -> int:
        """When the last complete read of a top-level stream started, in ticks; 0 if none counts."""
        return self._ticks_of("last_read", "started")

    def record_read(self, started: int) -> None:
        """Remember a complete read of a top-level stream."""
        self.start_full_pass(started)
        self._set_with_bookmark("last_read", started=started)

    @property
    def unread_retried(self) -> int:
        """When unread parents were last retried between full passes, in ticks."""
        return dotnet_ticks.parse(self._bookmarks.stream_state.get("unread_retried")) or 0

    def record_retry(self, started: int) -> None:
        """Remember that unread parents were retried between full passes."""
        self._set("unread_retried", started)

    @property
    def changes_read_until(self) -> int:
        """Ticks up to which the changed rows of a parent stream were written, if that counts."""
        return self._ticks_of("changes_read", "until")

    def record_changes_read(self, until: int) -> None:
        """Remember up to which change (ticks) the rows of a parent stream were written."""
        if until > self.changes_read_until:
            self._set_with_bookmark("changes_read", until=until)

    def _ticks_of(self, key: str, name: str) -> int:
        entry = self._entry(key)
        is_current = self._bookmarks.origin.items() <= entry.items()
        return (dotnet_ticks.parse(entry.get(name)) or 0) if is_current else 0

    def _set_with_bookmark(self, key: str, **ticks: int) -> None:
        self._set(key, {**ticks, **self._bookmarks.origin})

    def _entry(self, key: str) -> dict[str, Any]:
        entry = self._bookmarks.stream_state.get(key)
        return entry if isinstance(entry, dict) else {}

    def _set(self, key: str, value: object) -> None:
        self._bookmarks.stream_state[key] = value
        self._bookmarks.is_flushed = False


def _position(seq: object, mark: object) -> Position | None:
    if isinstance(seq, int) and isinstance(mark, int) and seq >= 0:
        return Position(seq, mark)
    return None
