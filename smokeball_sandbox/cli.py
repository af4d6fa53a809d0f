"""The command line, and the HTTP server that it starts."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import gc
import socket
import sys
from datetime import date
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from smokeball_sandbox import auth
from smokeball_sandbox.app import build_app
from smokeball_sandbox.areas import DETAILS, RESOURCES
from smokeball_sandbox.firm import ANCHOR, Firm
from smokeball_sandbox.settings import Settings
from smokeball_sandbox.simulation import Simulation

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LIVE_LATENCY_MS, LIVE_JITTER_MS = 700, 900
"""Live responses were seen to take 0.7 to 1.6 s."""

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 75
_GC_THRESHOLDS = (100_000, 50, 1000)


class AddressError(Exception):
    """The sandbox cannot listen on its address. The text says why and what to do."""


class Protocol(HttpToolsProtocol):
    """HTTP protocol that gives the application its transport, so that faults can break it."""

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m smokeball_sandbox",
        description="Serve a simulated Smokeball API over a generated law firm.",
    )
    address = parser.add_argument_group("address")
    add = address.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=8787, help="port; 0 chooses a free one (default: %(default)s)")
    add(
        "--public-url",
        metavar="URL",
        help="base URL of links in responses (default: http://HOST:PORT)",
    )
    add("--account-id", metavar="ID", help="account id that may prefix paths")
    firm = parser.add_argument_group("firm")
    add = firm.add_argument
    add("--matters", type=int, default=200, metavar="N", help="matters and leads (default: 200)")
    add(
        "--fees", type=int, metavar="N", help="average fees per matter (default: 8, and 1 per lead)"
    )
    add("--exact-fees", action="store_true", help="give every matter exactly --fees fees")
    add("--seed", type=int, default=7, metavar="N", help="seed of the data (default: 7)")
    add(
        "--region",
        choices=("us", "au", "uk"),
        default="us",
        help="region of the firm (default: %(default)s)",
    )
    add("--no-intake", action="store_true", help="omit the intake add-on")
    add(
        "--anchor",
        type=date.fromisoformat,
        default=ANCHOR,
        metavar="DATE",
        help="day on which the data ends (default: %(default)s)",
    )
    limits = parser.add_argument_group("latency and limits")
    add = limits.add_argument
    add(
        "--latency-ms",
        type=float,
        metavar="MS",
        help="response delay (default: 700 to 1600, as live responses were seen to take)",
    )
    add(
        "--rate",
        type=float,
        default=5,
        metavar="N",
        help="requests per second; 0: no limit (default: 5)",
    )
    add(
        "--burst",
        type=int,
        default=5,
        metavar="N",
        help="largest number of requests in flight, and bucket size (default: 5)",
    )
    add(
        "--token-seconds",
        type=int,
        default=3600,
        metavar="SECONDS",
        help="lifetime of an access token (default: %(default)s)",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    options = build_parser().parse_args(arguments)

    def announce(address: str) -> None:
        instructions = _connection_instructions(address, options)
        sys.stdout.write(f"smokeball-sandbox listening on {address}\n{instructions}")
        sys.stdout.flush()

    try:
        with contextlib.suppress(KeyboardInterrupt):
            serve(options, announce)
    except AddressError as error:
        sys.exit(str(error))


def serve(options: argparse.Namespace, announce: Callable[[str], None]) -> None:
    """Serve until the process ends.

    Args:
        options: The parsed command line.
        announce: Called with the address as soon as the port is open.

    Raises:
        AddressError: The address cannot be opened.
    """
    listener = _open_listener(options.host, options.port)
    # Headers and body are two writes: Nagle's algorithm would delay each response by 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    address = f"http://{options.host}:{listener.getsockname()[1]}"
    firm = Firm(
        url=(options.public_url or address).rstrip("/"),
        matters=options.matters,
        fees=options.fees,
        exact_fees=options.exact_fees,
        seed=options.seed,
        region=options.region,
        anchor=options.anchor,
        intake=not options.no_intake,
    )
    is_live = options.latency_ms is None
    settings = Settings(
        latency_ms=LIVE_LATENCY_MS if is_live else options.latency_ms,
        latency_jitter_ms=LIVE_JITTER_MS if is_live else 0,
        rate=options.rate,
        burst=options.burst,
        token_seconds=options.token_seconds,
    )
    simulation = Simulation(firm, settings, (*RESOURCES, *DETAILS), options.account_id)
    config = uvicorn.Config(
        build_app(simulation),
        http=Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=1,
    )
    announce(address)
    # Rows live as long as the process: frequent garbage collection would scan them in vain.
    gc.set_threshold(*_GC_THRESHOLDS)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


def _open_listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise AddressError(
                f"Port {port} is in use. Stop the other program or pass --port; 0 chooses a free "
                "one."
            ) from None
        reason = "no such port"
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror.partition(" (")[0]
        raise AddressError(
            f"Cannot listen on {host}, port {port}: {reason}. Pass another --host or --port."
        ) from None


def _connection_instructions(address: str, options: argparse.Namespace) -> str:
    lines = [
        "Configure the tap with:",
        f"  api_url, auth_url  {address}",
        f"  api_key            {auth.API_KEY}",
        f"  client_id          {auth.CLIENT_ID}",
        f"  client_secret      {auth.CLIENT_SECRET}",
        f"  refresh_token      {auth.REFRESH_TOKEN}  (omit it for client credentials)",
    ]
    if options.account_id:
        lines.append(f"  account_id         {options.account_id}  (if links should contain it)")
    return "\n".join(lines) + "\n"
