"""Changes that happen while a client reads: commands tied to the nth request of a kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from smokeball_sandbox.commands import Commands
    from smokeball_sandbox.resources import Row


class Script(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to do at which request.

    Attributes:
        template: Method and path template of the requests to count.
        nth: At which of them, counted from now, starting with 1.
        when: Before the answer is computed, or after.
        do: The commands, each with its name under ``command``.
    """

    template: str
    do: list[dict[str, Any]]
    nth: int = 1
    when: Literal["before", "after"] = "before"


class Scripts:
    """The scripts that wait for their request."""

    def __init__(self) -> None:
        self._waiting: list[Script] = []

    def add(self, script: Script) -> None:
        """Let a script wait."""
        self._waiting.append(script)

    def clear(self) -> None:
        """Let none wait any longer."""
        self._waiting.clear()

    def due(self, template: str) -> list[Script]:
        """Count a request; the scripts whose time has come."""
        due = []
        for script in self._waiting:
            if script.template == template:
                script.nth -= 1
                if script.nth <= 0:
                    due.append(script)
        for script in due:
            self._waiting.remove(script)
        return due


def run(
    scripts: list[Script], when: str, commands: Commands, rows: Callable[[], list[Row]]
) -> None:
    """Run those of some scripts that belong before (or after) the answer."""
    for script in scripts:
        if script.when == when:
            for command in script.do:
                commands.run(command, rows)
