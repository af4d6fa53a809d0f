"""Checks the state before anything is emitted: whose it is, and whether its times can be true."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.client import Endpoint
from tap_smokeball.api.response_parsers import OBJECT
from tap_smokeball.errors import SmokeballError, StateOfOtherFirmError
from tap_smokeball.sync import firm_identity, parent_digest, subscription_check
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.closed_parents import live_and_closed
from tap_smokeball.sync.firm_identity import (
    OTHER_FIRM,
    OTHER_FIRM_ADVICE,
    FirmIdentity,
    firm_fingerprint,
)
from tap_smokeball.sync.parent_list import ParentList
from tap_smokeball.sync.pass_states import covered_view, pass_states

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping

    from tap_smokeball.api.client import Response
    from tap_smokeball.api.pages import Page
    from tap_smokeball.session import Session
    from tap_smokeball.sync.base_stream import SmokeballStream
    from tap_smokeball.sync.parent_stream import ParentStream

CHECK_REQUESTS = "state check"
"""The name under which requests of the check are counted."""

_FIRM = Endpoint("/firm", "firm/read", CHECK_REQUESTS)

_OTHER_LOGIN = (
    "the state was written for another login or account, and nothing shows that both belong to "
    "the same firm"
)
_OTHER_LOGIN_ADVICE = (
    "Use the login and account_id of the state, or grant the app the scope firm/read. If it is "
    "the same firm, remove `firm` from the state: the run then reads everything again"
)


def keep_own_keys(given: Mapping[str, Any], tap_state: Any) -> None:
    """Copy what the tap keeps beside the bookmarks, which the SDK leaves out.

    Args:
        given: The state that was passed to the tap.
        tap_state: The state of the tap.
    """
    tap_state.update({key: given[key] for key in _OWN_KEYS if key in given})


class StateCheck:
    """Checks the state of a tap once, as soon as the firm is known.

    Args:
        tap_state: The state; what cannot be true is removed.
        session: Settings, API client and worker pool of the run.
        streams: The streams of the tap that read the API.
        logger: Takes warnings.

    Attributes:
        logger: The logger.
    """

    def __init__(
        self,
        tap_state: Any,
        session: Session,
        streams: Iterable[SmokeballStream],
        logger: logging.Logger,
    ) -> None:
        self._state = tap_state
        self._session = session
        self._streams = streams
        self.logger = logger
        self._is_done = False
        self._error: SmokeballError | None = None

    def start(self) -> None:
        """Check the state; the first stream raises an error that is not about the state.

        Raises:
            StateOfOtherFirmError: The state is that of another firm.
        """
        try:
            self.ensure()
        except StateOfOtherFirmError:
            raise
        except SmokeballError as error:
            self._error = error

    @property
    def has_failed(self) -> bool:
        """Whether an error waits for the first stream."""
        return self._error is not None

    def ensure(self) -> None:
        """Check the state, unless that is done.

        Raises:
            StateOfOtherFirmError: The state is that of another firm.
            SmokeballError: No access token could be obtained, or the firm cannot be read.
        """
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if self._is_done:
            return
        try:
            self._check_firm()
        except SmokeballError:
            self._session.pool.close()  # `Tap.sync_all` ends here; nothing else ends them
            raise
        self._remove_future_times()
        self._is_done = True

    def _check_firm(self) -> None:
        settings = self._session.settings
        known = FirmIdentity.from_state(self._state)
        login = self._session.pool.run_in_worker(self._session.client.subject)
        current = FirmIdentity.of(account=settings.account_id, login=login)
        is_same = known.is_same_firm(current)
        if is_same is None and (known or not current):
            # Not in ordinary runs: Smokeball's tokens say whom they are for.
            current |= FirmIdentity.of(firm=self._read_firm_id(is_needed=bool(known)))
            is_same = known.is_same_firm(current)
        if is_same is None and (known or not current):
            is_same = self._lists_known_parents()
        if is_same is False:
            raise StateOfOtherFirmError(OTHER_FIRM, OTHER_FIRM_ADVICE)
        if is_same is None and known and known.contradicts(current):
            raise StateOfOtherFirmError(_OTHER_LOGIN, _OTHER_LOGIN_ADVICE)
        (known | current).write(self._state)
        if not known:
            self._adopt_bookmarks(settings.view_fingerprint)

    def _read_firm_id(self, *, is_needed: bool) -> str | None:
        """Return the id of the firm's record, or None if the app cannot read it.

        Args:
            is_needed: Whether the state names a firm. Otherwise the next run can note the firm as
                well, and this one does not wait for a server that fails.
        """
        client = self._session.client

        def read() -> Response[Page]:
            with nullcontext() if is_needed else client.transport.fewer_retries():
                return client.get(_FIRM, {}, {}, OBJECT.parse)

        try:
            [row] = self._session.pool.run_in_worker(read).data.rows
        except SmokeballError as error:
            if error.is_shared:
                raise
            return None
        return str(row["id"])

    def _lists_known_parents(self) -> bool | None:
        """Return whether the firm lists matters of the state; None if that cannot be seen.

        Only where neither the access token nor the firm's record can be read.
        """
        found = (
            (digest, stream)
            for stream in self._streams
            if (digest := stream.state_manager.parent_digest)
        )
        before, stream = max(found, key=lambda pair: pair[0].filled_buckets, default=(None, None))
        if before is None or stream is None:
            return None
        since = stream.state_manager.replication_start or 0
        parent_stream = stream.parent_stream if isinstance(stream, ChildStream) else stream
        try:
            parents = list(cast("ParentStream", parent_stream).read_parents())
        except SmokeballError as error:
            if error.is_shared:
                raise
            return None
        listed = ParentList(parents, 0)
        if isinstance(stream, ChildStream) and stream.has_closed_pass:
            listed = listed.part(is_closed=False)
        return listed.resembles(before, since)

    def _adopt_bookmarks(self, view_fingerprint: str) -> None:
        """Let the bookmarks of a state that named no firm count for this firm."""
        parts = [
            part
            for stream in self._streams
            if isinstance(stream, ChildStream)
            for part in live_and_closed(stream.parent_stream.closed_values)
        ]
        views = [covered_view(view_fingerprint, covered) for covered in ("", *parts)]
        adopted = {view: firm_fingerprint(view, self._state) for view in views}
        for stream_state in self._stream_states().values():
            states = pass_states(stream_state)
            for entry in chain.from_iterable((each, each.get("resume")) for each in states):
                if isinstance(entry, dict) and entry.get("view_fingerprint") in views:
                    entry["view_fingerprint"] = adopted[entry["view_fingerprint"]]

    def _remove_future_times(self) -> None:
        """Remove times that lie behind both clocks: nothing was read at such a time.

        They become null and are not deleted, so that a merge with an older state keeps them away.
        """
        latest = self._session.client.clock.latest()
        streams = []
        for name, stream_state in self._stream_states().items():
            future: list[str] = []
            for each in pass_states(stream_state):
                future += _remove_future(each, latest)
            unread = stream_state.get("unread_parents")
            if isinstance(unread, dict):
                late = [id_ for id_, since in unread.items() if _is_later(since, latest)]
                unread.update(dict.fromkeys(late))
                future += late
            if future:
                streams.append(name)
        if streams:
            self.logger.warning(
                "The state has times in the future: %s. The run ignores them and reads these "
                "streams in full. Check the clocks of all machines that run the tap",
                ", ".join(streams),
            )

    def _stream_states(self) -> dict[str, dict[str, Any]]:
        states: dict[str, dict[str, Any]] = self._state.get("bookmarks", {})
        return states


_OWN_KEYS = (firm_identity.STATE_KEY, parent_digest.STATE_KEY, subscription_check.STATE_KEY)
_TIMES = ("replication_key_value", "changed_parents_until", "last_full_pass")


def _remove_future(state: dict[str, Any], latest: int) -> list[str]:
    """Remove times of a full pass that are later than some ticks; return their keys."""
    future = [key for key in _TIMES if _is_later(state.get(key), latest)]
    resume = state.get("resume")
    if isinstance(resume, dict) and _is_later(resume.get("pass_started"), latest):
        future.append("resume")
    changes = state.get("changes_read")
    if isinstance(changes, dict) and _is_later(changes.get("until"), latest):
        future.append("changes_read")
    if "replication_key_value" in future and resume is not None:
        future.append("resume")
    state.update(dict.fromkeys(future))
    return future


def _is_later(value: object, latest: int) -> bool:
    ticks = dotnet_ticks.from_timestamp(value)
    return ticks is not None and ticks > latest
