"""Opens the inbox's database, SQLite or Postgres, and begins its transactions."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from tap_smokeball import dotnet_ticks
from tap_smokeball.config.private_files import OWNER_ONLY
from tap_smokeball.errors import InboxError, os_error_message
from tap_smokeball.inbox.tables import METADATA
from tap_smokeball.redaction import SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine, Table

_WRITE_LOCK = 0x5342_494E_424F_5801
"""Key of the advisory lock that every writing transaction on Postgres holds."""

_LOCK_SECONDS = 5
_STATEMENT_SECONDS = 8
_POSTGRES_OPTIONS = {
    "connect_timeout": 5,
    "tcp_user_timeout": 1000 * _STATEMENT_SECONDS,
    # A connection pooler may give each transaction another session.
    "prepare_threshold": None,
    "application_name": "tap-smokeball",
}
_ADVICE_BY_STATE = {
    "42P01": "Start tap-smokeball-webhooks serve once, which creates the tables",
    "42501": "Grant the role the rights of docs/near-real-time.md",
}
_ADVICE = "Check webhook_inbox, and that its database runs and is not full"


class InboxDatabase:
    """The inbox's database.

    Args:
        url: SQLAlchemy URL: ``sqlite:///path`` or ``postgresql://…``. A secret.
        is_created: Whether to create the file and the tables if they are missing.

    Raises:
        InboxError: The URL is not one of these, or the database cannot be used.
    """

    def __init__(self, url: str, *, is_created: bool) -> None:
        parsed = _parse_url(url)
        self.is_postgres = parsed.get_backend_name() == "postgresql"
        if not self.is_postgres:
            _check_file(Path(str(parsed.database)), is_created=is_created)
        self._engine = _create_engine(parsed, is_postgres=self.is_postgres)
        if is_created:
            with self.write() as (connection, _):
                METADATA.create_all(connection)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run a transaction that reads, or that writes nothing that has an order.

        Raises:
            InboxError: The database fails.
        """
        with _translated_errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[tuple[Connection, int]]:
        """Run a transaction alone: its rows become visible before later ones get a number.

        Yields:
            The connection, and the inbox's clock in .NET ticks.

        Raises:
            InboxError: The database fails.
        """
        with _translated_errors(), self._engine.connect() as connection:
            connection.execution_options(is_writing=True)
            with connection.begin():
                yield connection, self._lock(connection)

    def now(self) -> int:
        """Return the inbox's clock in .NET ticks: on Postgres, that of the database.

        Raises:
            InboxError: The database fails.
        """
        if not self.is_postgres:
            return dotnet_ticks.now()
        with self.read() as connection:
            return dotnet_ticks.from_datetime(
                connection.execute(select(func.clock_timestamp())).scalar_one()
            )

    def insert_new(self, table: Table) -> Any:
        """Return an insert that skips rows that exist."""
        insert = postgresql.insert if self.is_postgres else sqlite.insert
        return insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)

    def upsert(self, table: Table, values: dict[str, Any]) -> Any:
        """Return an insert of a row, or an update of the row with the same primary key."""
        keys = {column.name for column in table.primary_key}
        changed = {name: value for name, value in values.items() if name not in keys}
        return self.insert_or_update(table, values, changed)

    def insert_or_update(
        self, table: Table, values: dict[str, Any], changed: dict[str, Any], where: Any = None
    ) -> Any:
        """Return an insert of a row, or another update of the row with the same primary key.

        Args:
            table: The table.
            values: The row to insert.
            changed: The changes of an existing row.
            where: A condition for these changes, or None.
        """
        insert = postgresql.insert if self.is_postgres else sqlite.insert
        keys = [column.name for column in table.primary_key]
        statement = insert(table).values(values)
        return statement.on_conflict_do_update(index_elements=keys, set_=changed, where=where)

    def _lock(self, connection: Connection) -> int:
        if not self.is_postgres:
            return dotnet_ticks.now()  # BEGIN IMMEDIATE holds the lock already
        # In one statement, from left to right: the clock is read when the lock is held.
        row = connection.execute(
            select(
                func.set_config("lock_timeout", f"{_LOCK_SECONDS}s", True),  # noqa: FBT003
                func.set_config("statement_timeout", f"{_STATEMENT_SECONDS}s", True),  # noqa: FBT003
                func.pg_advisory_xact_lock(_WRITE_LOCK),
                func.clock_timestamp(),
            )
        ).one()
        return dotnet_ticks.from_datetime(row[-1])


def _parse_url(url: str) -> URL:
    SECRETS.add(url)
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InboxError(
            "the URL of the webhook inbox is not valid",
            "Set webhook_inbox to sqlite:///path or postgresql://user:password@host/database",
        ) from None
    SECRETS.add(parsed.password)
    if parsed.drivername in {"postgresql", "postgresql+psycopg", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    path = parsed.database or ""
    if parsed.drivername != "sqlite" or path in {"", ":memory:"} or path.startswith("file:"):
        raise InboxError(
            "the webhook inbox is neither a SQLite file nor a Postgres database",
            "Set webhook_inbox to sqlite:///path or postgresql://user:password@host/database",
        )
    return parsed


def _check_file(path: Path, *, is_created: bool) -> None:
    """Check that the file exists, or create it so that others cannot read the keys in it."""
    if path.exists():
        return
    if not is_created:
        raise InboxError(
            "the file of the webhook inbox does not exist",
            "Start tap-smokeball-webhooks serve, which creates it, or correct webhook_inbox",
        )
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, OWNER_ONLY))
    except FileExistsError:
        pass  # another process created it
    except OSError as error:
        raise InboxError(
            f"the file of the webhook inbox cannot be created: {os_error_message(error)}",
            "Create its folder, or correct webhook_inbox",
        ) from None


def _create_engine(url: URL, *, is_postgres: bool) -> Engine:
    if is_postgres:
        try:
            return create_engine(
                url,
                connect_args={k: v for k, v in _POSTGRES_OPTIONS.items() if k not in url.query},
                pool_pre_ping=True,
                pool_timeout=_LOCK_SECONDS,
                hide_parameters=True,
            )
        except ImportError:
            raise InboxError(
                "a webhook inbox on Postgres requires the package psycopg",
                "Install tap-smokeball with its extra `postgres`",
            ) from None
    engine = create_engine(
        url,
        connect_args={"timeout": _LOCK_SECONDS},
        pool_timeout=_LOCK_SECONDS,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # `_begin_sqlite` begins transactions
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # A commit survives a power cut.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None)
        state = getattr(cause, "sqlstate", None) or ""
        if "no such table" in str(cause):
            state = "42P01"
        reason = type(cause or error).__name__ + (f", SQLSTATE {state}" if state else "")
        # Without the cause, whose text may hold the URL, SQL and values.
        raise InboxError(
            f"the webhook inbox cannot be used ({reason})", _ADVICE_BY_STATE.get(state, _ADVICE)
        ) from None
