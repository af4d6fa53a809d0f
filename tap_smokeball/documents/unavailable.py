"""The error for a document that cannot be had."""

from __future__ import annotations


class UnavailableError(Exception):
    """A document cannot be had; the others are not affected.

    Args:
        reason: The value of the column ``error``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
