"""Inboxes for the tests: a SQLite file, or a database of a Postgres server."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import select

from tap_smokeball.inbox.append import Appended, Delivery, append_deliveries
from tap_smokeball.inbox.engine import InboxDatabase
from tap_smokeball.inbox.tables import METADATA
from tests.servers import UnavailableError, postgres_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_smokeball.inbox.events import Event

FIRM = "default"
SUBSCRIPTION = "5bd1e1a8-6f0e-4a0c-9d2e-000000000001"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[int]:
    """Run one Postgres server for all tests of this worker; return its port."""
    try:
        server = postgres_server()
        port = server.__enter__()
    except UnavailableError as error:
        pytest.skip(str(error))
    yield port
    server.__exit__(None, None, None)


def run_sql(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def new_postgres_url(port: int) -> str:
    """Return the URL of a new database."""
    server = f"postgresql://postgres@127.0.0.1:{port}"
    name = f"inbox_{next(_numbers)}"
    run_sql(f"{server}/postgres", f"CREATE DATABASE {name}")
    return f"{server}/{name}"


@pytest.fixture(params=["sqlite", "postgres"])
def inbox_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a new inbox, on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'inbox.db'}"
    return new_postgres_url(request.getfixturevalue("postgres"))


@contextmanager
def open_database(url: str, *, is_created: bool = True) -> Iterator[InboxDatabase]:
    database = InboxDatabase(url, is_created=is_created)
    try:
        yield database
    finally:
        database.close()


def delivery(event: Event, **changed: Any) -> Delivery:
    """Return a delivery with a signature of its own, unless one is given."""
    values: dict[str, Any] = {
        "firm": FIRM,
        "subscription_id": SUBSCRIPTION,
        "event": event,
        "signature_digest": f"signature {next(_numbers)}",
        "body_digest": "body",
    }
    return Delivery(**(values | changed))


def append(url: str, *events: Event, **changed: Any) -> Appended:
    """Append events to the inbox, each as a delivery of its own, in one transaction."""
    with open_database(url) as database:
        return append_deliveries(database, [delivery(each, **changed) for each in events])


def all_values(url: str) -> str:
    """Return every value of every table of an inbox, as text."""
    with open_database(url) as database, database.read() as connection:
        return "\n".join(
            str(tuple(row))
            for table in METADATA.sorted_tables
            for row in connection.execute(select(table))
        )
