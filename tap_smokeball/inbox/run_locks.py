"""One firm, one run at a time: a lease in the inbox that its holder renews.

A lock of a database session would not do: a connection pooler may give each transaction another
session. A lease of a process or machine that died ends by itself.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import delete, update

from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.tables import LOCKS

if TYPE_CHECKING:
    from tap_smokeball.inbox.engine import InboxDatabase

LEASE_SECONDS = 60
"""How long a lock outlives a holder that died with its machine."""

RENEWAL_SECONDS = 15

_LEASE_TICKS = LEASE_SECONDS * dotnet_ticks.PER_SECOND
_HOLDER_BYTES = 16


class RunLock:
    """A lock that at most one holder has. All methods raise InboxError if the database fails.

    Args:
        database: The inbox.
        name: Name of the lock.
    """

    def __init__(self, database: InboxDatabase, name: str) -> None:
        self._database = database
        self._name = name
        self._holder = secrets.token_hex(_HOLDER_BYTES)

    def acquire(self) -> bool:
        """Take the lock; return False if another holder has it."""
        now = self._database.now()
        values = {"name": self._name, "holder": self._holder, "expires": now + _LEASE_TICKS}
        statement = self._database.upsert(LOCKS, values, where=LOCKS.c.expires < now)
        with self._database.read() as connection:
            return connection.execute(statement.returning(LOCKS.c.name)).first() is not None

    def renew(self) -> bool:
        """Extend the lease; return False if another holder took the lock after it ended."""
        expires = self._database.now() + _LEASE_TICKS
        with self._database.read() as connection:
            statement = update(LOCKS).where(*self._is_own).values(expires=expires)
            return bool(connection.execute(statement).rowcount)

    def release(self) -> None:
        """Give the lock back."""
        with self._database.read() as connection:
            connection.execute(delete(LOCKS).where(*self._is_own))

    @property
    def _is_own(self) -> tuple[object, ...]:
        return LOCKS.c.name == self._name, LOCKS.c.holder == self._holder
