"""Counts requests, retries by cause, and the time that responses take; from any thread."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict


class _ThreadCounts(threading.local):
    received_bytes = 0


class RequestCounts:
    """The counters of a process.

    Attributes:
        requests: Requests sent so far, by stream; retries count.
        retries: Requests that were sent again, by stream.
        causes: Requests that were sent again, by stream and by the kind of the error policy, as
            ``("fees", "429")``.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.causes: Counter[tuple[str, str]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._responses: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._of_thread = _ThreadCounts()

    @property
    def received_bytes(self) -> int:
        """Bytes of the bodies, unpacked, that the calling thread has received so far."""
        return self._of_thread.received_bytes

    def add_request(self, stream: str) -> None:
        """Count a request that is about to be sent."""
        with self._lock:
            self.requests[stream] += 1

    def add_retry(self, stream: str, cause: str) -> None:
        """Count a request that is sent again, by the kind of the error policy."""
        with self._lock:
            self.retries[stream] += 1
            self.causes[stream, cause] += 1

    def add_response(self, stream: str, seconds: float, body_bytes: int) -> None:
        """Count a response, and the seconds from its request to its last byte."""
        self._of_thread.received_bytes += body_bytes
        with self._lock:
            self._responses[stream] += 1
            self._seconds[stream] += seconds

    def retries_by_cause(self, *streams: str) -> dict[str, int]:
        """Return how many requests of some streams were sent again, by cause."""
        with self._lock:
            found: Counter[str] = Counter()
            for (stream, cause), count in self.causes.items():
                if stream in streams:
                    found[cause] += count
        return dict(sorted(found.items()))

    def response_totals(self, *streams: str) -> tuple[int, float]:
        """Return the number of responses of some streams, and the seconds that they took."""
        with self._lock:
            responses = sum(self._responses[stream] for stream in streams)
            return responses, sum(self._seconds[stream] for stream in streams)

    def latency_seconds(self, *streams: str) -> float | None:
        """Return the mean duration of the requests of some streams, or None without a response."""
        responses, seconds = self.response_totals(*streams)
        return seconds / responses if responses else None
