"""HTTP connections with limits that uvicorn does not have.

Measured with uvicorn's defaults: 500 half-open headers stayed for ever, and httptools took a header
of 150 MB. h11 limits the size of a header; this protocol adds deadlines and a cap on connections.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

    from tap_smokeball.webhooks.metrics import Metrics

HEADER_SECONDS = 10
"""Seconds in which a connection must have sent the header of its next request."""

MAX_HEADER_BYTES = 16_384
"""Bytes of the largest header, request line included."""

BODY_SECONDS = 10
"""Seconds in which a body must be complete."""

SIGNED = "is_signed"
"""Key in the state of a request's scope: its signature is valid."""

_COMES_SECONDS = 1
"""A delivery's header comes within this time."""

_HEADER = object()
_EMPTY_400 = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class ConnectionCap:
    """The connections of a listener, the oldest first.

    Args:
        max_connections: Count of connections that may be open.
        metrics: Counts connections that are closed.
        on_lost: Called when a connection is closed that may have been a delivery.
    """

    def __init__(self, max_connections: int, metrics: Metrics, on_lost: Callable[[], None]) -> None:
        self._max_connections = max_connections
        self._metrics = metrics
        self._on_lost = on_lost
        self._opened: dict[LimitedProtocol, float] = {}

    def admit(self, connection: LimitedProtocol) -> bool:
        """Return whether a new connection may stay.

        At the cap, the oldest one without a valid signature makes room: an attacker's slow
        requests give way to a delivery, which is signed and comes at once.
        """
        now = connection.loop.time()
        if len(self._opened) >= self._max_connections:
            unsigned = next((each for each in self._opened if not each.is_signed), None)
            if unsigned is None:
                self._metrics.turned_away.inc()
                self._on_lost()
                return False
            self._metrics.evicted.inc()
            if now - self._opened[unsigned] < _COMES_SECONDS:
                self._on_lost()
            self.remove(unsigned)
            unsigned.abort()
        self._opened[connection] = now
        return True

    def remove(self, connection: LimitedProtocol) -> None:
        """Forget a connection that is closed."""
        self._opened.pop(connection, None)

    def time_out(self) -> None:
        """Count a connection that sent no request in time."""
        self._metrics.timed_out.inc()


class LimitedProtocol(H11Protocol):
    """A connection.

    Args:
        cap: The connections of its listener.
        arguments: What uvicorn passes.
    """

    def __init__(self, *, cap: ConnectionCap, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._cap = cap
        # What the deadline is for: the next header, the body of a request, or nothing.
        self._expected: object = None
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def is_signed(self) -> bool:
        """Whether a request with a valid signature is being answered."""
        cycle = self._cycle
        return cycle is not None and not cycle.response_complete and SIGNED in cycle.scope["state"]

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        """The request and its response; uvicorn's annotation lacks the None."""
        return self.cycle

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._cap.admit(self):
            self._set_deadline()
        else:
            self.abort()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._cap.remove(self)
        super().connection_lost(exc)
        self._cancel_deadline()

    @override
    def handle_events(self) -> None:
        super().handle_events()
        self._set_deadline()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._set_deadline()

    @override
    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, without a text."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.write(_EMPTY_400)
        self.transport.close()

    def _set_deadline(self) -> None:
        """Run a timer while the connection waits for a header, and one for its body."""
        cycle = self._cycle
        if cycle is None or cycle.response_complete:
            expected = _HEADER
        else:
            expected = cycle if cycle.more_body else None
        if expected is self._expected:
            return
        self._cancel_deadline()
        if expected is not None and not self.transport.is_closing():
            self._expected = expected
            seconds = HEADER_SECONDS if expected is _HEADER else BODY_SECONDS
            self._deadline = self.loop.call_later(seconds, self._time_out)

    def _cancel_deadline(self) -> None:
        self._expected = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _time_out(self) -> None:
        self._deadline = None
        self._cap.time_out()
        self.abort()
