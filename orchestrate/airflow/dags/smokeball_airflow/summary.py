"""Read the tap's ``run_summary`` metric from the log of a run."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

_METRIC = re.compile(r"METRIC: (\{.*\})\s*$")
# The level, the logger if the line has one, and the message.
_ERROR = re.compile(r"\b(?:ERROR|CRITICAL)\b\s*\|?(?:[\s\w.-]+\|)?\s*(?P<text>.*)")
# dbt names what failed after the summary of its results.
_DBT_FAILURE = re.compile(
    r"\b(?P<text>(?:Failure|[A-Z]\w+ Error) in [a-z ]*(?:test|model|seed|snapshot) \S+)"
)
_FAILED = "failed"
_LONGEST_CAUSE = 1000


@dataclass
class Summary:
    """The ``run_summary`` metric of a run.

    Attributes:
        value: The metric's value. Empty until the tap has logged it.
    """

    value: dict[str, Any] = field(default_factory=dict)
    _tap_error: str = ""
    _other_error: str = ""

    def read(self, plugin: str, line: str, level: str = "info") -> None:
        """Read a line of the run's log.

        Args:
            plugin: Name of the plugin that logged the line.
            line: Text of the line.
            level: Its level. Meltano logs all lines of plugins at level info.
        """
        self._read_error(plugin, line, level)
        if plugin.startswith("tap-") and (match := _METRIC.search(line)):
            with contextlib.suppress(ValueError):
                point = json.loads(match[1])
                if point.get("metric") == "run_summary":
                    self.value = point["value"]

    @property
    def failed(self) -> list[str]:
        """Names of the streams that failed."""
        return [name for name, each in self._streams.items() if each["status"] == _FAILED]

    @property
    def failure(self) -> dict[str, Any]:
        """Why the run failed: error, stream, reason, advice, is_permanent."""
        if failure := self.value.get("failure"):
            return dict(failure)
        # Before its first request, the tap rejects settings and catalogs. Nothing changes that.
        is_rejected = bool(self._tap_error) and not self.value
        reason = self._other_error or "Meltano failed and logged no error"
        return {
            "error": "ConfigurationError" if is_rejected else "RunError",
            "stream": None,
            "reason": self._tap_error if is_rejected else reason,
            "advice": "",
            "is_permanent": is_rejected,
        }

    def _read_error(self, plugin: str, line: str, level: str) -> None:
        """Keep the first error of the tap, and the first one of the loader or of Meltano."""
        found = _DBT_FAILURE.search(line) or _ERROR.search(line)
        text = (found["text"] if found else line)[:_LONGEST_CAUSE]
        if plugin.startswith("tap-"):
            if found:
                self._tap_error = self._tap_error or text
        elif text and (found or level in {"error", "critical"}):
            self._other_error = self._other_error or f"{plugin}: {text}"

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
