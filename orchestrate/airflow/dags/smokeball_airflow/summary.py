"""Read the tap's ``run_summary`` metric from the log of a run."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

_METRIC = re.compile(r"METRIC: (\{.*\})\s*$")
_FAILED = "failed"


@dataclass
class Summary:
    """The ``run_summary`` metric of a run.

    Attributes:
        value: The metric's value. Empty until the tap has logged it.
    """

    value: dict[str, Any] = field(default_factory=dict)

    def read(self, plugin: str, line: str) -> None:
        """Read a line of the run's log.

        Args:
            plugin: Name of the plugin that logged the line.
            line: Text of the line.
        """
        if plugin.startswith("tap-") and (match := _METRIC.search(line)):
            with contextlib.suppress(ValueError):
                point = json.loads(match[1])
                if point.get("metric") == "run_summary":
                    self.value = point["value"]

    @property
    def failed(self) -> list[str]:
        """Names of the streams that failed."""
        return [name for name, each in self._streams.items() if each["status"] == _FAILED]

    def report(self, firm: str, seconds: float) -> dict[str, Any]:
        """Return the summary as the task's output.

        Args:
            firm: Name of the firm.
            seconds: Duration of the run, including the start and the end of Meltano.
        """
        defaults = {"rows": 0, "requests": 0, "complete": False, "streams": {}}
        return {"firm": firm, "seconds": round(seconds, 1), **defaults, **self.value}

    @property
    def _streams(self) -> dict[str, dict[str, Any]]:
        streams: dict[str, dict[str, Any]] = self.value.get("streams", {})
        return streams
