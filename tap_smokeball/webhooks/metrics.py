"""The receiver's metrics. Their labels are a fixed set: no firm, no id, nothing that was sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from tap_smokeball import dotnet_ticks

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSALS = {
    "headers": 400,
    "transfer_encoding": 400,
    "body": 400,
    "signature": 401,
    "stale": 401,
    "subscription": 401,
    "signature_reused": 401,
    "too_large": 413,
    "disconnected": 400,
    "content_type": 415,
    "content_encoding": 415,
    "overflow": 503,
    "unavailable": 503,
}
"""Reasons of refusals, with their HTTP status."""

GAPS = ("overflow", "unreadable", "unavailable", "receiver_down")
"""Reasons of the gaps that a receiver records."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_PREFIX = "tap_smokeball_webhooks"
_WRITE_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)


class Metrics:
    """Counters and gauges, in a registry of their own.

    Args:
        connections: Returns the count of open connections.
    """

    def __init__(self, connections: Callable[[], int]) -> None:
        # A second time series for each counter.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        named: dict[str, Any] = {"namespace": _PREFIX, "registry": self.registry}
        self.received = Counter("received", "Requests to a webhook", **named)
        self.accepted = Counter("accepted", "Deliveries that were accepted", **named)
        self.repeated = Counter("repeated", "Deliveries that were accepted before", **named)
        self.stored = Counter("stored", "New rows of events", **named)
        self.refused = Counter("refused", "Refused requests", ["reason"], **named)
        for reason in REFUSALS:
            self.refused.labels(reason)
        self.reused = Counter(
            "signature_reuse_alarms", "Second bodies under a signature: forgeries", **named
        )
        self.gaps = Counter("gaps", "Gaps that were recorded", ["reason"], **named)
        for reason in GAPS:
            self.gaps.labels(reason)
        self.skew = Gauge(
            "clock_skew_seconds", "This clock minus the time of the last signed delivery", **named
        )
        self._since_last = Gauge(
            "last_accepted_age_seconds", "Seconds since the last accepted delivery", **named
        )
        self.rows = Gauge("inbox_rows", "Rows of the inbox", **named)
        self.is_inbox_up = Gauge("inbox_up", "Whether the inbox can be written", **named)
        self.evicted = Counter(
            "connections_evicted", "Connections closed for a new one, without a signature", **named
        )
        self.turned_away = Counter(
            "connections_refused", "Connections refused, as all others are signed", **named
        )
        self.timed_out = Counter(
            "connections_timed_out", "Connections closed without a complete request", **named
        )
        Gauge("connections", "Open connections", **named).set_function(connections)
        self.write_seconds = Histogram(
            "write_seconds", "Seconds of a transaction", buckets=_WRITE_BUCKETS, **named
        )
        self._last_accepted = float("nan")
        self._since_last.set_function(lambda: time.time() - self._last_accepted)

    def accept(self) -> None:
        """Count an accepted delivery."""
        self.accepted.inc()
        self._last_accepted = time.time()

    def set_last_accepted(self, age_ticks: int) -> None:
        """Set how long ago the last delivery was accepted, before this process started."""
        self._last_accepted = time.time() - age_ticks / dotnet_ticks.PER_SECOND

    def add_rows(self, count: int) -> None:
        """Count new rows."""
        self.stored.inc(count)
        self.rows.inc(count)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
