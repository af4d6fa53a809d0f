"""How a run went, from what the tap prints at its end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_HEAD = re.compile(r"^stream +rows +requests +seconds +how it ended$")
_LINE = re.compile(r"^(\w+) +([\d,]+) +([\d,]+) +([\d.]+) +(.+)$")

COMPLETE = "complete"


@dataclass
class Summary:
    """The table that the tap ends with, read line by line.

    Attributes:
        streams: By name: ``rows``, ``requests``, ``seconds`` and how it ``ended``.
    """

    streams: dict[str, dict[str, Any]] = field(default_factory=dict)
    _inside: bool = False

    def read(self, who: str, line: str) -> None:
        """Take a line of the run's log.

        Args:
            who: The name of who said it.
            line: What was said.
        """
        if not who.startswith("tap-"):
            return
        if _HEAD.match(line):
            self._inside = True
        elif self._inside and (cells := _LINE.match(line)):
            stream, rows, requests, seconds, ended = cells.groups()
            self.streams[stream] = {
                "rows": int(rows.replace(",", "")),
                "requests": int(requests.replace(",", "")),
                "seconds": float(seconds),
                "ended": ended,
            }
        else:
            self._inside = False

    @property
    def failed(self) -> list[str]:
        """The streams that failed."""
        return [name for name, each in self.streams.items() if each["ended"].startswith("failed")]

    def report(self, firm: str, seconds: float) -> dict[str, Any]:
        """Return all of it, as the task's output.

        Args:
            firm: Whose run it was.
            seconds: How long it took.
        """
        return {
            "firm": firm,
            "seconds": round(seconds, 1),
            "rows": sum(each["rows"] for each in self.streams.values()),
            "requests": sum(each["requests"] for each in self.streams.values()),
            "complete": bool(self.streams)
            and all(each["ended"] == COMPLETE for each in self.streams.values()),
            "streams": self.streams,
        }
