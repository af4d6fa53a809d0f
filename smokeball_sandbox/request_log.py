"""Counts and log of the requests, for tests and benchmarks."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any, NamedTuple

LOG_LENGTH = 50_000


class LogEntry(NamedTuple):
    """One request and the status of its response; ``t`` is monotonic seconds."""

    template: str
    path: str
    query: str
    status: int
    user_id: str | None
    request_id: str | None
    user_agent: str | None
    t: float


class RequestLog:
    """Counts requests and keeps a log of the latest ones."""

    def __init__(self) -> None:
        self._in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Clear the counts and the log; requests in flight still count."""
        self._templates: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._log: deque[LogEntry] = deque(maxlen=LOG_LENGTH)
        self._max_in_flight = self._in_flight

    def begin(self) -> None:
        """Count a request of the API as in flight."""
        self._in_flight += 1
        self._max_in_flight = max(self._max_in_flight, self._in_flight)

    def end(self) -> None:
        """Count a request of the API as finished."""
        self._in_flight -= 1

    def record(self, template: str, scope: Any, headers: dict[bytes, bytes], status: int) -> None:
        """Log a response; status 0 means that the connection broke without one."""
        self._templates[template] += 1
        self._statuses[str(status)] += 1
        self._log.append(
            LogEntry(
                template,
                scope["path"],
                scope["query_string"].decode("latin-1"),
                status,
                _decode(headers.get(b"userid")),
                _decode(headers.get(b"requestid")),
                _decode(headers.get(b"user-agent")),
                time.monotonic(),
            )
        )

    def report(self, *, log: bool) -> dict[str, Any]:
        """Return the counts, and the log if requested."""
        report: dict[str, Any] = {
            "total": sum(self._templates.values()),
            "by_template": dict(self._templates),
            "by_status": dict(self._statuses),
            "max_in_flight": self._max_in_flight,
        }
        if log:
            report["log"] = [entry._asdict() for entry in self._log]
        return report


def _decode(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
