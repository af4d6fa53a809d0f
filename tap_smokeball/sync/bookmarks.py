"""Bookmarks: this module alone reads, moves and caps them.

The state of a stream::

    {"replication_key": "extractedTicks",
     "replication_key_value": 638193848837974931,      the bookmark, in the form of its column
     "view_fingerprint": "9f86d081884c7d65",           hash of the settings that show or hide rows
     "resume": {"pass_started": 638193860000000000,    when the unfinished full pass started
                "from_bookmark": 638193848837974931,   the bookmark that it started from, or null
                "last_parent_id": "b471682e-…",        the last parent that is done
                "view_fingerprint": "9f86d081884c7d65"},
     "changed_parents_until": 638193860000000000,      parents that changed before were read
     "unread_parents": {"0c1d6e5f-…": 638193848837974931}}

``unread_parents`` are the parents that could not be read, with the ticks from which on their rows
are missing, or null for all rows.

A full-table stream has no bookmark; ``last_full_pass`` says when its last complete pass started, so
that streams can take turns.

A state can be a merge of two states: Meltano merges the state of an interrupted full refresh over
the state before, and ``--state-strategy=merge`` never removes a key. So a resume point counts only
together with the bookmark that its pass started from. With any other bookmark, the pass starts over
from that bookmark, which is always safe.

The SDK moves bookmarks with each record. That loses rows here, since most rows have no timestamp
and a pass over thousands of matters can end anywhere. So records move nothing: the bookmark moves
when a pass is complete, to the time at which the pass started, and only then.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_smokeball import dotnet_ticks
from tap_smokeball.singer.sdk_compat import StreamStateManager
from tap_smokeball.sync.firm_identity import firm_fingerprint

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from singer_sdk.helpers import types

    from tap_smokeball.api.pagination import Row
    from tap_smokeball.config.settings import Settings


@dataclass(frozen=True)
class SyncPass:
    """One read of all that a stream covers, over as many runs as it takes.

    Attributes:
        started: The server's clock in ticks when it started. The next pass reads rows that change
            later.
        last_parent_id: The last parent that is done, or None at the start.
    """

    started: int
    last_parent_id: str | None = None


MAX_UNREAD_PARENTS = 1_000
"""Unread parents of all streams that a state can hold: it stays below 100 kB."""


@dataclass(frozen=True)
class BookmarkColumn:
    """The column that holds the bookmark.

    Attributes:
        name: Its name: the stream's replication key.
        schema: Its JSON Schema, which decides the form of the bookmark.
    """

    name: str
    schema: Mapping[str, Any]

    def value_of(self, ticks: int) -> int | str:
        """Return ticks in the form of the column."""
        if self.schema.get("format") == "date-time":
            return dotnet_ticks.to_column(ticks)
        return str(ticks) if "string" in self.schema["type"] else ticks


class BookmarkManager(StreamStateManager):
    """The state of one stream.

    Args:
        tap_name: Name of the tap.
        stream_name: Name of the stream.
        tap_state: The state of the whole tap.
        settings: Start date, lookback and view fingerprint.
        column: Returns the column of the bookmark, or None for a full-table stream.
    """

    def __init__(
        self,
        *,
        tap_name: str,
        stream_name: str,
        tap_state: types.TapState,
        settings: Settings,
        column: Callable[[], BookmarkColumn | None],
    ) -> None:
        super().__init__(
            tap_name=tap_name,
            stream_name=stream_name,
            tap_state=tap_state,
            state_partitioning_keys=(),
        )
        self._settings = settings
        self._column = column

    @property
    def replication_start(self) -> int | None:
        """Ticks from which on rows are wanted: the bookmark less the lookback, or the start date.

        None if all rows are wanted.
        """
        bookmark = self._bookmark if self._column() else None
        start = self._settings.start_ticks
        if bookmark is None:
            return start
        return max(bookmark - self._settings.lookback_ticks, start or 0)

    @property
    def last_completed(self) -> int:
        """Ticks at which the last complete pass started; 0 if there was none."""
        full_pass = dotnet_ticks.parse(self.stream_state.get("last_full_pass")) or 0
        return max(full_pass, self._bookmark or 0)

    def complete_pass(self, reached: int) -> None:
        """Move the bookmark: everything that changed before ``reached`` (ticks) was written."""
        state, column = self.stream_state, self._column()
        state.pop("resume", None)
        if (dotnet_ticks.parse(state.get("changed_parents_until")) or 0) <= reached:
            state.pop("changed_parents_until", None)
        if column:
            state["replication_key"] = column.name
            state["replication_key_value"] = column.value_of(reached)
            state["view_fingerprint"] = self._view
        else:
            state["last_full_pass"] = reached
        self.is_flushed = False

    def current_pass(self, now: int) -> SyncPass:
        """Return the pass to work on: the unfinished one, or a new one.

        A pass is not resumed if the settings that show or hide rows changed, or if it started from
        another bookmark.

        Args:
            now: The server's clock in ticks when this run started to read.
        """
        resume = self.stream_state.get("resume")
        if (
            isinstance(resume, dict)
            and resume.get("view_fingerprint") == self._view
            and resume.get("from_bookmark", "") == self._raw_bookmark
        ):
            started = dotnet_ticks.parse(resume.get("pass_started"))
            last_parent_id = resume.get("last_parent_id")
            if started is not None and isinstance(last_parent_id, str):
                return SyncPass(min(started, now), last_parent_id)
        return SyncPass(now)

    def checkpoint(self, sync_pass: SyncPass, last_parent_id: str) -> None:
        """Remember that all rows up to and including those of one parent were written."""
        self.stream_state["resume"] = {
            "pass_started": sync_pass.started,
            "from_bookmark": self._raw_bookmark,
            "last_parent_id": last_parent_id,
            "view_fingerprint": self._view,
        }
        self.is_flushed = False

    def changed_parents_start(self, sync_pass: SyncPass) -> int | None:
        """Return the ticks of the first change whose parent is still to be read.

        None in the first pass: it reads all parents anyway.
        """
        pass_start = sync_pass.started if sync_pass.last_parent_id else self.last_completed
        read_until = dotnet_ticks.parse(self.stream_state.get("changed_parents_until")) or 0
        return max(pass_start, read_until) if pass_start else None

    def record_changes_read(self, until: int) -> None:
        """Remember up to which change (ticks) the changed parents were read."""
        self.stream_state["changed_parents_until"] = until
        self.is_flushed = False

    @property
    def unread_parents(self) -> dict[str, int | None]:
        """Ids of the parents that could not be read, with the ticks to read them from."""
        unread = self.stream_state.get("unread_parents")
        if not isinstance(unread, dict):
            return {}
        return {str(id_): dotnet_ticks.parse(since) for id_, since in unread.items()}

    def add_unread_parent(self, parent_id: str, since: int | None) -> bool:
        """Remember a parent that could not be read; return whether the state has room for it.

        Args:
            parent_id: Id of the parent.
            since: Ticks from which on its rows are missing, or None for all rows.
        """
        unread = self.unread_parents
        if parent_id in unread:
            earlier = unread.pop(parent_id)  # added again at the end: the others get their turn
            since = None if earlier is None or since is None else min(earlier, since)
        elif self._unread_of_all_streams >= MAX_UNREAD_PARENTS:
            return False
        self._set_unread({**unread, parent_id: since})
        return True

    def remove_unread_parents(self, parent_ids: Iterable[str]) -> None:
        """Forget parents that were read, or that no longer exist."""
        unread = self.unread_parents
        if not unread.keys().isdisjoint(parent_ids := set(parent_ids)):
            self._set_unread({i: since for i, since in unread.items() if i not in parent_ids})

    def _set_unread(self, unread: dict[str, int | None]) -> None:
        if unread:
            self.stream_state["unread_parents"] = unread
        else:
            self.stream_state.pop("unread_parents", None)
        self.is_flushed = False

    @property
    def _unread_of_all_streams(self) -> int:
        states = self.tap_state.get("bookmarks", {}).values()
        return sum(len(state.get("unread_parents") or ()) for state in states)

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of the state, for `restore`."""
        return copy.deepcopy(dict(self.stream_state))

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Replace the state by a snapshot."""
        self.stream_state.clear()
        self.stream_state.update(snapshot)
        self.is_flushed = False

    @property
    def _raw_bookmark(self) -> Any:
        """What the last complete pass left in the state, in whatever form; None if nothing."""
        state, column = self.stream_state, self._column()
        return state.get("replication_key_value" if column else "last_full_pass")

    @property
    def _view(self) -> str:
        return firm_fingerprint(self._settings.view_fingerprint, self.tap_state)

    @property
    def _bookmark(self) -> int | None:
        """The bookmark in ticks, if the view has not changed since.

        If it has, rows that always existed may be visible now, which no updated-since filter finds.
        """
        state = self.stream_state
        if state.get("view_fingerprint") != self._view:
            return None
        return dotnet_ticks.from_timestamp(state.get("replication_key_value"))

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


class NewestTimestamp:
    """Finds the next bookmark of a stream.

    Args:
        updated_at_field: The property that holds the last change of a row; None if there is none.
    """

    def __init__(self, updated_at_field: str | None) -> None:
        self._field = updated_at_field
        self._newest: int | None = None

    def add(self, row: Row) -> int | None:
        """Count a row in, and return the ticks of its last change if it has one."""
        updated_at = dotnet_ticks.from_timestamp(row.get(self._field)) if self._field else None
        if updated_at is not None and (self._newest is None or updated_at > self._newest):
            self._newest = updated_at
        return updated_at

    def bookmark(self, started: int) -> int | None:
        """Return the newest timestamp in ticks, but no later than the start of the read.

        Without an updated-at field it is the start of the read; None if there is a field, but no
        row had it.
        """
        if self._field is None:
            return started
        return None if self._newest is None else min(self._newest, started)
