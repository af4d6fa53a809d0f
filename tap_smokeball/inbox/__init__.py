"""The webhook inbox: a SQL log of events, which the receiver writes and the tap reads.

The modules need SQLAlchemy, an optional package: enter through `open_reader`, or call
`check_packages` before an import. `events` needs nothing.
"""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_smokeball.errors import InboxError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.inbox.reader import InboxReader
    from tap_smokeball.inbox.runs import RunLog


def check_packages() -> None:
    """Check that the packages of the inbox are installed.

    Raises:
        InboxError: A package is missing.
    """
    if importlib.util.find_spec("sqlalchemy") is None:
        raise InboxError(
            "the webhook inbox requires the package sqlalchemy",
            "Install tap-smokeball with its extra `webhooks`",
        )


def open_reader(url: str, firm: str) -> InboxReader:
    """Open the inbox for one firm, as the tap reads it.

    Raises:
        InboxError: A package is missing, or the inbox does not exist or cannot be used.
    """
    check_packages()
    from tap_smokeball.inbox.reader import InboxReader  # noqa: PLC0415 - imports SQLAlchemy

    return InboxReader(url, firm)


@contextmanager
def open_run_log(url: str, firm: str, reader: str) -> Iterator[RunLog]:
    """Open what the inbox holds of the runs of a firm and a reader.

    Raises:
        InboxError: A package is missing, or the inbox does not exist or cannot be used.
    """
    check_packages()
    from tap_smokeball.inbox.engine import InboxDatabase  # noqa: PLC0415 - imports SQLAlchemy
    from tap_smokeball.inbox.runs import RunLog  # noqa: PLC0415

    database = InboxDatabase(url, is_created=False)
    try:
        yield RunLog(database, firm, reader)
    finally:
        database.close()
