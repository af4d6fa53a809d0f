"""The webhook inbox: a SQL log of events, which the receiver writes and the tap reads.

The modules need SQLAlchemy, an optional package: enter through `open_reader`, or call
`check_packages` before an import. `events` needs nothing.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from tap_smokeball.errors import InboxError

if TYPE_CHECKING:
    from tap_smokeball.inbox.reader import InboxReader


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
