"""How a run went, from the line for machines that the tap ends with."""

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
    """The metric ``run_summary`` of a run, found in its log.

    Attributes:
        value: What it tells; empty as long as it has not come.
    """

    value: dict[str, Any] = field(default_factory=dict)

    def read(self, who: str, line: str) -> None:
        """Take a line of the run's log.

        Args:
            who: The name of who said it.
            line: What was said.
        """
        if who.startswith("tap-") and (found := _METRIC.search(line)):
            with contextlib.suppress(ValueError):
                point = json.loads(found[1])
                if point.get("metric") == "run_summary":
                    self.value = point["value"]

    @property
    def failed(self) -> list[str]:
        """The streams that failed."""
        return [name for name, each in self._streams.items() if each["ended"] == _FAILED]

    def report(self, firm: str, seconds: float) -> dict[str, Any]:
        """Return all of it, as the task's output.

        Args:
            firm: Whose run it was.
            seconds: How long it took, with what Meltano does before and after.
        """
        nothing = {"rows": 0, "requests": 0, "complete": False, "streams": {}}
        return {"firm": firm, "seconds": round(seconds, 1), **nothing, **self.value}

    @property
    def _streams(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.value.get("streams", {})
        return found
