"""Changes while a client reads: commands that run at the nth request of a template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator


class ScheduledChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Commands, and the request at which they run.

    Attributes:
        template: Method and path template of the requests to count.
        commands: The commands, each with its name under ``command``.
        nth: Number of the request, counted from now, starting with 1.
        when: Run before or after the response is computed.
    """

    template: str
    commands: list[dict[str, Any]]
    nth: int = 1
    when: Literal["before", "after"] = "before"


class Schedule:
    """Scheduled changes that have not run yet."""

    def __init__(self) -> None:
        self._pending: list[ScheduledChange] = []

    def add(self, change: ScheduledChange) -> None:
        """Schedule a change."""
        self._pending.append(change)

    def clear(self) -> None:
        """Cancel all pending changes."""
        self._pending.clear()

    def take_due(self, template: str) -> list[ScheduledChange]:
        """Count a request; remove and return the changes that are due."""
        due = []
        for change in self._pending:
            if change.template == template:
                change.nth -= 1
                if change.nth <= 0:
                    due.append(change)
        for change in due:
            self._pending.remove(change)
        return due


def commands_of(changes: list[ScheduledChange], when: str) -> Iterator[dict[str, Any]]:
    """Yield the commands that run before (or after) the response."""
    for change in changes:
        if change.when == when:
            yield from change.commands
