"""Ask the webhook inbox which firms are due, and how a firm is.

The program is that of the tap's environment: Airflow's lacks its packages. The URL of the inbox,
a secret, is passed in the environment.

This module does not import Airflow.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smokeball_airflow.project import inherited_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from smokeball_airflow.project import Project

BUSY_STATUS = 75
"""Exit status of ``exclusive`` if another run is active."""

INTERVALS = (
    "poll_interval_minutes",
    "full_pass_interval_hours",
    "closed_matters_interval_hours",
)
"""Settings of the tap that are options of ``due``."""

_SECONDS = 120


class InboxUnavailableError(Exception):
    """The inbox could not be asked."""


@dataclass(frozen=True)
class Inbox:
    """The webhook inbox of an app.

    Attributes:
        project: Holds the program.
        url: URL of the inbox.
        reader: Name of the reader.
    """

    project: Project
    url: str
    reader: str

    def due(
        self, firms: Iterable[str], kinds: Iterable[str], settings: Mapping[str, Any], **limits: Any
    ) -> dict[str, Any]:
        """Return the firms that are due, the most urgent first, and claim them.

        Args:
            firms: Names of the firms.
            kinds: Reasons that count.
            settings: Settings of the tap, of which the intervals count.
            limits: ``limit`` and ``claim_minutes``.
        """
        values = {**{name: settings.get(name) for name in INTERVALS}, **limits}
        options = [f"--for={kind}" for kind in kinds]
        options += [f"--{name.replace('_', '-')}={each}" for name, each in values.items() if each]
        found: dict[str, Any] = json.loads(
            self._call("due", "--firms=-", *options, given="\n".join(firms))
        )
        return found

    def status(self, firm: str) -> dict[str, Any]:
        """Return how a firm is."""
        text = self._call("fleet-status", "--format=json", f"--firm={firm}")
        found: dict[str, Any] = json.loads(text)["firms"][0]
        return found

    def record_failure(self, firm: str, failure: Mapping[str, Any]) -> None:
        """Record that a run failed after the tap had ended."""
        self._call("run-failed", f"--firm={firm}", given=json.dumps(dict(failure)))

    def exclusive(self, firm: str) -> list[str]:
        """Return what precedes a command, so that it runs only if no other run is active."""
        options = [f"--firm={firm}", f"--reader={self.reader}", "--"]
        return [self.project.webhooks, "exclusive", *options]

    @property
    def variables(self) -> dict[str, str]:
        """The environment variable of the program."""
        return {"TAP_SMOKEBALL_WEBHOOK_INBOX": self.url}

    def _call(self, command: str, *options: str, given: str = "") -> str:
        try:
            done = subprocess.run(  # noqa: S603 - the program of the project
                [self.project.webhooks, command, f"--reader={self.reader}", *options],
                input=given,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
                env={**inherited_environment(), **self.variables},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InboxUnavailableError(
                f"{command}: {type(error).__name__}. Check the webhook inbox."
            ) from None
        if done.returncode:
            # The program redacts its errors.
            raise InboxUnavailableError(f"{command}: {done.stderr.strip() or done.returncode}")
        return done.stdout
