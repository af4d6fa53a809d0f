"""What was asked of the sandbox, for tests and benchmarks to count."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any, NamedTuple

LOG_LENGTH = 50_000


class Entry(NamedTuple):
    """One request and how it ended."""

    template: str
    path: str
    query: str
    status: int
    user_id: str | None
    request_id: str | None
    user_agent: str | None
    t: float


class Journal:
    """Counts of requests, and a log of the latest ones."""

    def __init__(self) -> None:
        self._in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything but the requests still in flight."""
        self._templates: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._log: deque[Entry] = deque(maxlen=LOG_LENGTH)
        self._max_in_flight = self._in_flight

    def begin(self) -> None:
        """A request of the API has come in."""
        self._in_flight += 1
        self._max_in_flight = max(self._max_in_flight, self._in_flight)

    def end(self) -> None:
        """A request of the API is done with."""
        self._in_flight -= 1

    def note(self, template: str, scope: Any, headers: dict[bytes, bytes], status: int) -> None:
        """Log an answer (status 0: the connection broke without one)."""
        self._templates[template] += 1
        self._statuses[str(status)] += 1
        self._log.append(
            Entry(
                template,
                scope["path"],
                scope["query_string"].decode("latin-1"),
                status,
                _text(headers.get(b"userid")),
                _text(headers.get(b"requestid")),
                _text(headers.get(b"user-agent")),
                time.monotonic(),
            )
        )

    def report(self, *, log: bool) -> dict[str, Any]:
        """The counts, with the log if it is wanted."""
        report: dict[str, Any] = {
            "total": sum(self._templates.values()),
            "by_template": dict(self._templates),
            "by_status": dict(self._statuses),
            "max_in_flight": self._max_in_flight,
        }
        if log:
            report["log"] = [entry._asdict() for entry in self._log]
        return report


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
