"""How many requests per second a run can make: by the rate limit, or by the latency."""

from __future__ import annotations

from dataclasses import dataclass

SIGNIFICANT_SHARE = 0.9
"""A rate below this share of the limit is lower than the limit: measurements vary."""


@dataclass(frozen=True)
class Throughput:
    """The rate at which requests can be made.

    By Little's law, some requests in flight make at most that number divided by the latency per
    second.

    Attributes:
        limit: The rate limit in requests per second.
        latency_seconds: Mean duration of a request, or None if it is not known.
        in_flight: Most requests in flight.
    """

    limit: float
    latency_seconds: float | None
    in_flight: int

    @property
    def requests_per_second(self) -> float:
        """The lower of the rate limit and the rate that the latency permits."""
        if not self.latency_seconds:
            return self.limit
        return min(self.limit, self.in_flight / self.latency_seconds)

    @property
    def is_held_by_latency(self) -> bool:
        """Whether the latency permits noticeably less than the rate limit."""
        return self.requests_per_second < SIGNIFICANT_SHARE * self.limit


def humanize_latency(seconds: float) -> str:
    """Return a latency with its unit, as ``1.4 s`` or ``35 ms``."""
    return f"{seconds:.1f} s" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms"  # noqa: PLR2004
