"""Runs the receiver: two listeners, the writer, and what is due from time to time."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import secrets
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from tap_smokeball.errors import InboxError, summarize_bug
from tap_smokeball.inbox.engine import InboxDatabase
from tap_smokeball.inbox.receivers import (
    HEARTBEAT_SECONDS,
    count_rows,
    last_arrival,
    record_heartbeat,
    record_start,
)
from tap_smokeball.webhooks.batch_writer import BatchWriter
from tap_smokeball.webhooks.gap_recorder import GapRecorder
from tap_smokeball.webhooks.inbox_threads import InboxThreads
from tap_smokeball.webhooks.known_keys import KnownKeys
from tap_smokeball.webhooks.limited_protocol import (
    MAX_HEADER_BYTES,
    ConnectionCap,
    LimitedProtocol,
)
from tap_smokeball.webhooks.metrics import CONTENT_TYPE, Metrics
from tap_smokeball.webhooks.rate_caps import RateCaps
from tap_smokeball.webhooks.receiver import Receiver, ReceiverParts

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Iterator

    from starlette.requests import Request

logger = logging.getLogger(__name__)

_KEYS_SECONDS = 5
_ROWS_SECONDS = 60
_GAPS_SECONDS = 1
_HEALTHY_SECONDS = 3 * HEARTBEAT_SECONDS
_GRACE_SECONDS = 10
_INBOX_THREADS = 3
_MAX_ADMIN_CONNECTIONS = 20


@dataclass(frozen=True)
class Limits:
    """Limits that depend on the firm and the machine.

    Attributes:
        max_connections: Open connections.
        max_events_per_minute: Deliveries of one firm.
        max_rows: Rows of one firm in the inbox.
    """

    max_connections: int = 200
    max_events_per_minute: int = 6_000
    max_rows: int = 1_000_000


class ReceiverServer:
    """The receiver as a whole.

    Args:
        inbox: SQLAlchemy URL of the inbox.
        limits: Its limits.

    Raises:
        InboxError: The inbox cannot be used.
    """

    def __init__(self, inbox: str, limits: Limits) -> None:
        self._id = secrets.token_hex(8)
        self._database = InboxDatabase(inbox, is_created=True)
        self._threads = InboxThreads(_INBOX_THREADS)
        self._servers: list[_Server] = []
        self._heartbeat_at = float("-inf")
        self._is_inbox_up = True
        self._metrics = Metrics(lambda: len(self._servers[0].server_state.connections))
        self._keys = KnownKeys(self._database, self._threads)
        self._writer = BatchWriter(self._database, self._metrics)
        self._gaps = GapRecorder(self._database, self._threads, self._metrics)
        self._caps = RateCaps(limits.max_events_per_minute, limits.max_rows)
        self._max_connections = limits.max_connections

    async def run(self, listener: socket.socket, admin_listener: socket.socket) -> None:
        """Serve until SIGTERM or SIGINT, then finish what has begun.

        Args:
            listener: Where Smokeball's deliveries come.
            admin_listener: Where health and metrics are read.

        Raises:
            InboxError: The inbox cannot be used at the start.
        """
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_exception)
        await self._start()
        self._servers = [
            self._server(self._deliveries(), self._max_connections, self._note_lost_delivery),
            self._server(self._admin(), _MAX_ADMIN_CONNECTIONS, lambda: None),
        ]
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):  # on Windows
                loop.add_signal_handler(number, self._stop)
        writing = asyncio.create_task(self._writer.run())
        timers = [
            asyncio.create_task(self._repeat(seconds, work))
            for seconds, work in (
                (HEARTBEAT_SECONDS, self._beat),
                (_KEYS_SECONDS, self._refresh_keys),
                (_ROWS_SECONDS, self._count_rows),
                (_GAPS_SECONDS, self._gaps.flush),
            )
        ]
        logger.info("Receiver listening on %s", _address(listener))
        logger.info("Health and metrics on %s", _address(admin_listener))
        await asyncio.gather(
            self._servers[0].serve(sockets=[listener]),
            self._servers[1].serve(sockets=[admin_listener]),
        )
        self._writer.close()
        await writing
        for timer in timers:
            timer.cancel()
        with contextlib.suppress(InboxError):
            await self._gaps.flush(is_last=True)
        logger.info("Receiver stopped")

    def close(self) -> None:
        """Close the inbox."""
        self._threads.close()
        self._database.close()

    async def _start(self) -> None:
        if await self._threads.run(record_start, self._database, self._id):
            self._metrics.gaps.labels("receiver_down").inc()
            logger.info("Gap recorded: no receiver was running in the last minute")
        if (age_ticks := await self._threads.run(last_arrival, self._database)) is not None:
            self._metrics.set_last_accepted(age_ticks)
        await self._refresh_keys()
        await self._count_rows()
        await self._beat()

    def _stop(self) -> None:
        for server in self._servers:
            server.should_exit = True

    def _note_lost_delivery(self) -> None:
        """Note a gap of all firms: a closed connection does not tell whose delivery it was."""
        self._gaps.add(self._keys.firms, "overflow")

    def _server(self, app: Starlette, max_connections: int, on_lost: Callable[[], None]) -> _Server:
        cap = ConnectionCap(max_connections, self._metrics, on_lost)
        config = uvicorn.Config(
            app,
            http=cast("Any", functools.partial(LimitedProtocol, cap=cap)),
            ws="none",
            lifespan="off",
            loop="asyncio",
            # uvicorn's messages name addresses and quote errors; the receiver has its own.
            log_config=None,
            log_level="critical",
            access_log=False,
            # The address of a client decides nothing here.
            proxy_headers=False,
            server_header=False,
            date_header=False,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        return _Server(config)

    def _deliveries(self) -> Starlette:
        receiver = Receiver(
            ReceiverParts(
                self._database,
                self._threads,
                self._keys,
                self._writer,
                self._gaps,
                self._caps,
                self._metrics,
            )
        )
        return _app(Route("/webhooks/{firm}", receiver.deliver, methods=["POST"]))

    def _admin(self) -> Starlette:
        return _app(Route("/healthz", self._healthz), Route("/metrics", self._show_metrics))

    async def _healthz(self, _request: Request) -> Response:
        """Answer 200 while the inbox can be written, else 503."""
        age = asyncio.get_running_loop().time() - self._heartbeat_at
        return Response(status_code=200 if age < _HEALTHY_SECONDS else 503)

    async def _show_metrics(self, _request: Request) -> Response:
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)

    async def _repeat(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something again and again, and say when the inbox fails and when it works again."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except InboxError as error:
                self._set_inbox_up(False, error)  # noqa: FBT003
            except Exception as error:  # noqa: BLE001 - deliveries go on
                logger.warning("Housekeeping: %s. Report this as a bug.", summarize_bug(error))

    async def _beat(self) -> None:
        await self._threads.run(record_heartbeat, self._database, self._id)
        self._heartbeat_at = asyncio.get_running_loop().time()
        self._set_inbox_up(True)  # noqa: FBT003

    async def _refresh_keys(self) -> None:
        await self._keys.refresh(asyncio.get_running_loop().time())

    async def _count_rows(self) -> None:
        rows = await self._threads.run(count_rows, self._database)
        self._caps.set_rows(rows)
        self._metrics.rows.set(sum(rows.values()))

    def _set_inbox_up(self, is_up: bool, error: InboxError | None = None) -> None:  # noqa: FBT001
        self._metrics.is_inbox_up.set(is_up)
        if is_up != self._is_inbox_up:
            self._is_inbox_up = is_up
            if error:
                logger.error("Inbox unavailable: %s", error)
            else:
                logger.info("Inbox available again")


class _Server(uvicorn.Server):
    """A listener. Signals are the receiver's, which has two of them."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _app(*routes: Route) -> Starlette:
    """Return an application whose errors have no text."""

    async def answer(_request: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", 503)
        return Response(status_code=status, headers={"connection": "close"})

    app = Starlette(routes=list(routes), exception_handlers={404: answer, 405: answer})
    app.router.redirect_slashes = False
    return app


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _log_exception(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error of a callback without its message, which may quote what was sent."""
    error = context.get("exception")
    if isinstance(error, Exception):
        logger.warning("Connection: %s. Report this as a bug.", summarize_bug(error))
