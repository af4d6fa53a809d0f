"""The command ``serve``: receives webhooks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys

import click

from tap_smokeball.errors import SmokeballError, os_error_message
from tap_smokeball.webhooks.options import inbox_option
from tap_smokeball.webhooks.server import Limits, ReceiverServer

_LOG_FORMAT = "{asctime} | {levelname:<8} | {message}"
_BACKLOG = 512
_RECEIVE_BUFFER_BYTES = 65_536
"""What the system takes of a body before the receiver asks for it."""

_DEFAULTS = Limits()


@click.command()
@inbox_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--admin-host",
    default="127.0.0.1",
    show_default=True,
    help="Address of /healthz and /metrics. Never expose it.",
)
@click.option(
    "--admin-port",
    type=click.IntRange(0, 65535),
    default=8766,
    show_default=True,
    help="Port of /healthz and /metrics; 0 takes a free one.",
)
@click.option(
    "--max-connections",
    type=click.IntRange(min=1),
    default=_DEFAULTS.max_connections,
    show_default=True,
    help="Connections that may be open.",
)
@click.option(
    "--max-events-per-minute",
    type=click.IntRange(min=1),
    default=_DEFAULTS.max_events_per_minute,
    show_default=True,
    help="Events of one firm in a minute.",
)
@click.option(
    "--max-rows",
    type=click.IntRange(min=1),
    default=_DEFAULTS.max_rows,
    show_default=True,
    help="Events of one firm in the inbox.",
)
def serve(  # noqa: PLR0913 - one argument for each option
    *,
    inbox: str,
    host: str,
    port: int,
    admin_host: str,
    admin_port: int,
    max_connections: int,
    max_events_per_minute: int,
    max_rows: int,
) -> None:
    """Receive webhooks at POST /webhooks/FIRM until SIGTERM, and store their events.

    It needs no credentials of Smokeball: `subscribe` saves the keys in the inbox. Put a proxy with
    TLS in front of it.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=_LOG_FORMAT, style="{")
    limits = Limits(max_connections, max_events_per_minute, max_rows)
    with _listen(host, port) as listener, _listen(admin_host, admin_port) as admin_listener:
        asyncio.run(_run(inbox, limits, listener, admin_listener))


async def _run(
    inbox: str, limits: Limits, listener: socket.socket, admin_listener: socket.socket
) -> None:
    server = ReceiverServer(inbox, limits)
    try:
        await server.run(listener, admin_listener)
    finally:
        server.close()


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        SmokeballError: The address cannot be used.
    """
    with contextlib.ExitStack() as on_failure:
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            listener = on_failure.enter_context(socket.socket(family, kind))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError as error:
            raise SmokeballError(
                f"port {port} of {host} cannot be used: {os_error_message(error)}",
                "Stop the other program, or pass --port, --admin-port, --host or --admin-host",
            ) from None
        on_failure.pop_all()
    return listener
