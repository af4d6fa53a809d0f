"""One firm, one run at a time, and what its last run said of itself.

The lock is a lease that its holder renews. A lock of a database session would not do: a connection
pooler may give each transaction another session. A lease ends by itself if its machine dies.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, update

from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.tables import RUNS

if TYPE_CHECKING:
    from tap_smokeball.inbox.engine import InboxDatabase

LEASE_SECONDS = 60
"""How long a lock outlives a holder that died with its machine."""

RENEWAL_SECONDS = 15

_LEASE_TICKS = LEASE_SECONDS * dotnet_ticks.PER_SECOND
_HOLDER_BYTES = 16
_TEXT_LENGTHS = {"error": 64, "stream": 64, "reason": 1024, "advice": 1024}


@dataclass(frozen=True)
class RunReport:
    """What a run says of itself at its end; times are .NET ticks.

    Attributes:
        position: Number of the last event that was acted on.
        seen: Number of the last event that the run saw.
        last_poll: When the streams without events were last read; None if there are none.
        last_full_pass: When the oldest of the last full passes began; 0 if one never ended.
        last_closed_pass: The same over closed matters; None if they have no pass of their own.
        is_pass_waiting: Whether a full pass is unfinished, or due because events may be missing.
        refused_parents: Parents that could not be read.
        token_expires: When the refresh token expires, if that is known.
    """

    position: int
    seen: int
    last_poll: int | None
    last_full_pass: int | None
    last_closed_pass: int | None
    is_pass_waiting: bool
    refused_parents: int
    token_expires: int | None


@dataclass(frozen=True)
class RunFailure:
    """Why a run failed; see `tap_smokeball.run.failure`, which has the same fields."""

    error: str = ""
    stream: str | None = None
    reason: str = ""
    advice: str = ""
    is_permanent: bool = False


class RunLog:
    """The row of a firm and a reader. All methods raise InboxError if the database fails.

    Args:
        database: The inbox.
        firm: Name of the firm.
        reader: Name of the reader: one for each state of the firm.
    """

    def __init__(self, database: InboxDatabase, firm: str, reader: str) -> None:
        self._database = database
        self._key = {"firm": firm, "reader": reader}
        self._holder = secrets.token_hex(_HOLDER_BYTES)

    def acquire(self) -> bool:
        """Take the lock; return False if another run has it.

        Until the run says that it succeeded, it counts as a failure: it may be killed.
        """
        now = self._database.now()
        values = {
            "holder": self._holder,
            "lease_ends": now + _LEASE_TICKS,
            "claim_ends": 0,
            "attempted": now,
        }
        changed = {**values, "failures": RUNS.c.failures + 1}
        statement = self._database.insert_or_update(
            RUNS, {**self._key, **values, "failures": 1}, changed, where=RUNS.c.lease_ends < now
        )
        with self._database.read() as connection:
            return connection.execute(statement.returning(RUNS.c.firm)).first() is not None

    def renew(self) -> bool:
        """Extend the lease; return False if another run took the lock after it ended."""
        return self._update_own(lease_ends=self._database.now() + _LEASE_TICKS)

    def release(self) -> None:
        """Give the lock back."""
        self._update_own(holder=None, lease_ends=0)

    def record(self, report: dict[str, Any] | None, failure: dict[str, Any] | None) -> None:
        """Record a run that ended, from the fields of `RunReport` and of `RunFailure`."""
        found = RunReport(**report) if report else None
        if failure:
            self.record_failure(RunFailure(**failure), found)
        elif found:
            self.record_success(found)

    def record_success(self, report: RunReport) -> None:
        """Record that a run succeeded."""
        now = self._database.now()
        values = {**asdict(report), **_no_failure(), "failures": 0, "ended": now}
        self._save(values, values)

    def record_failure(self, failure: RunFailure, report: RunReport | None = None) -> None:
        """Record that a run failed. A run that holds the lock was counted when it began.

        Args:
            failure: Why.
            report: What the run says of itself, if it got that far.
        """
        now = self._database.now()
        is_counted = (RUNS.c.lease_ends >= now) & (RUNS.c.failures > 0)
        values: dict[str, Any] = {**_cut(asdict(failure)), "attempted": now, "ended": now}
        if report:
            values |= asdict(report)
        failures = case((is_counted, RUNS.c.failures), else_=RUNS.c.failures + 1)
        self._save({**values, "failures": 1}, {**values, "failures": failures})

    def _save(self, values: dict[str, Any], changed: dict[str, Any]) -> None:
        statement = self._database.insert_or_update(RUNS, {**self._key, **values}, changed)
        with self._database.read() as connection:
            connection.execute(statement)

    def _update_own(self, **values: Any) -> bool:
        is_own = [RUNS.c[name] == value for name, value in self._key.items()]
        statement = update(RUNS).where(*is_own, RUNS.c.holder == self._holder).values(values)
        with self._database.read() as connection:
            return bool(connection.execute(statement).rowcount)


def _no_failure() -> dict[str, Any]:
    return {**dict.fromkeys(_TEXT_LENGTHS), "is_permanent": False}


def _cut(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value[: _TEXT_LENGTHS[name]] if isinstance(value, str) else value
        for name, value in values.items()
    }
