"""Bookmarks: this module alone reads, moves and caps them.

The state of a stream::

    {"replication_key": "extractedTicks",
     "replication_key_value": 638193848837974931,      the bookmark, in the form of its column
     "view_fingerprint": "9f86d081884c7d65",           hash of the settings that show or hide rows
     "resume": {"pass_started": 638193860000000000,    when the unfinished full pass started
                "from_bookmark": 638193848837974931,   the bookmark that it started from, or null
                "last_parent_id": "b471682e-…",        the last parent that is done
                "view_fingerprint": "9f86d081884c7d65",
                "parent_digest": "2c26b46b68ffc68f"},  digest of the parents that the pass covers
     "parent_digest": {"id": "2c26b46b68ffc68f",       digest of the parents that were read, which
                       "from_bookmark": 638193…},      counts together with this bookmark only
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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from tap_smokeball import dotnet_ticks
from tap_smokeball.singer.state_manager import PassiveStateManager
from tap_smokeball.sync.firm_identity import firm_fingerprint
from tap_smokeball.sync.parent_digest import DigestTable, ParentDigest, bucket_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from singer_sdk.helpers import types

    from tap_smokeball.config.settings import Settings


@dataclass(frozen=True)
class SyncPass:
    """One read of all that a stream covers, over as many runs as it takes.

    Attributes:
        started: The server's clock in ticks when it started. The next pass reads rows that change
            later.
        last_parent_id: The last parent that is done, or None at the start.
        digest: Digest of the parents that the pass covers, if it is known.
    """

    started: int
    last_parent_id: str | None = None
    digest: ParentDigest | None = None


MAX_UNREAD_PARENTS = 1_000
"""Unread parents of all streams that a state can hold: it stays below 100 kB."""


class Snapshot(NamedTuple):
    """The state of a stream at one time."""

    stream_state: dict[str, Any]
    digests: list[ParentDigest]


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


class BookmarkManager(PassiveStateManager):
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
        self._digests = DigestTable(cast("dict[str, Any]", tap_state))

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

    def complete_pass(self, reached: int, digest: ParentDigest | None = None) -> None:
        """Move the bookmark: everything that changed before ``reached`` (ticks) was written.

        Args:
            reached: The bookmark.
            digest: Digest of the parents whose rows were written, if there are parents.
        """
        state, column = self.stream_state, self._column()
        state.pop("resume", None)
        if (dotnet_ticks.parse(state.get("changed_parents_until")) or 0) <= reached:
            state.pop("changed_parents_until", None)
        if column:
            state["replication_key"] = column.name
            state["replication_key_value"] = column.value_of(reached)
            state["view_fingerprint"] = self._view
            self._set_digest(digest, self._raw_bookmark)
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
                digest = self._digests.find(resume.get("parent_digest"))
                return SyncPass(min(started, now), last_parent_id, digest)
        return SyncPass(now)

    def checkpoint(
        self, sync_pass: SyncPass, last_parent_id: str, digest: ParentDigest | None = None
    ) -> None:
        """Remember that all rows up to and including those of one parent were written.

        Args:
            sync_pass: The pass.
            last_parent_id: Id of the parent.
            digest: Digest of the parents that the pass covers.
        """
        resume = {
            "pass_started": sync_pass.started,
            "from_bookmark": self._raw_bookmark,
            "last_parent_id": last_parent_id,
            "view_fingerprint": self._view,
        }
        before = self.stream_state.get("resume")
        self.stream_state["resume"] = resume
        if digest is not None:
            resume["parent_digest"] = digest.id
            if not isinstance(before, dict) or before.get("parent_digest") != digest.id:
                self._digests.keep(digest)
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

    @property
    def parent_digest(self) -> ParentDigest | None:
        """The digest of the parents that were read before the bookmark, if it is known."""
        entry = self.stream_state.get("parent_digest")
        if not isinstance(entry, dict) or self._bookmark is None:
            return None
        is_of_bookmark = entry.get("from_bookmark", "") == self._raw_bookmark
        return self._digests.find(entry.get("id")) if is_of_bookmark else None

    @property
    def is_incremental(self) -> bool:
        """Whether the stream has a bookmark column."""
        return self._column() is not None

    def doubt_parents(self, parent_ids: Iterable[str]) -> None:
        """Let parents be read in full if they are listed again."""
        buckets = {bucket_of(id_) for id_ in parent_ids}
        if digest := self.parent_digest:
            self._set_digest(digest.with_unknown(buckets), self._raw_bookmark)
        resume = self.stream_state.get("resume")
        if isinstance(resume, dict) and (digest := self._digests.find(resume.get("parent_digest"))):
            doubted = digest.with_unknown(buckets)
            resume["parent_digest"] = doubted.id
            self._digests.keep(doubted)

    def _set_digest(self, digest: ParentDigest | None, bookmark: Any) -> None:
        self.stream_state.pop("parent_digest", None)
        if digest is not None:
            self.stream_state["parent_digest"] = {"id": digest.id, "from_bookmark": bookmark}
            self._digests.keep(digest)
        self.is_flushed = False

    def snapshot(self) -> Snapshot:
        """Return a copy of the state, for `restore`."""
        return Snapshot(copy.deepcopy(dict(self.stream_state)), self._digests.copy())

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the state by a snapshot."""
        self.stream_state.clear()
        self.stream_state.update(snapshot.stream_state)
        self._digests.keep(*snapshot.digests)
        self.is_flushed = False

    @property
    def _raw_bookmark(self) -> Any:
        """What the last complete pass left in the state, in whatever form; None if nothing."""
        state, column = self.stream_state, self._column()
        return state.get("replication_key_value" if column else "last_full_pass")

    @property
    def origin(self) -> dict[str, Any]:
        """What an entry beside the bookmark counts together with, as parts of that entry."""
        return {"from_bookmark": self._raw_bookmark, "view_fingerprint": self._view}

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
